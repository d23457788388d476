import { TagsInput } from "@mantine/core";
import { useTranslation } from "react-i18next";

interface Props {
  /** What the choice means, where it is not about a person. */
  description?: string;
  value?: string[];
  onChange?: (value: string[]) => void;
  error?: string;
}

/** The sites to which somebody is limited; none: they see the whole organisation. */
export function SiteScope({ description, value = [], onChange, error }: Props) {
  const { t } = useTranslation();
  return <TagsInput label={t("user.sites")} description={description ?? t("user.sitesHelp")} placeholder={value.length === 0 ? t("user.allSites") : undefined} value={value} onChange={onChange} error={error} splitChars={[",", ";"]} acceptValueOnBlur clearable />;
}
