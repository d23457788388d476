import { Autocomplete, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../api/client";
import { useSession } from "../session";

const MOST = 1000;

interface Props {
  value?: string;
  onChange?: (value: string) => void;
  error?: string;
}

/** The site of a station by its short name, chosen by its name; one that is not made yet can be typed as well. */
export function SiteInput({ value = "", onChange, error }: Props) {
  const { t } = useTranslation();
  const { may } = useSession();
  const sites = useQuery({ queryKey: ["sites", "choice"], queryFn: () => ask(api.GET("/api/v1/sites", { params: { query: { limit: MOST } } })), enabled: may("sites:read") });
  const names = new Map((sites.data?.items ?? []).map((site) => [site.id, site.name]));
  return (
    <Autocomplete label={t("station.site")} description={names.get(value)} data={[...names.keys()]} value={value} onChange={onChange} error={error} clearable
      filter={({ options, search }) => options.filter((each) => "value" in each && `${each.value} ${names.get(each.value)}`.toLowerCase().includes(search.trim().toLowerCase()))}
      renderOption={({ option }) => <Text size="sm">{names.get(option.value)} <Text span size="xs" c="dimmed">{option.value}</Text></Text>} />
  );
}
