/** The language and the colours of the page: chosen by whoever looks, kept in their browser. */
import { ActionIcon, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconLanguage, IconMoon, IconSun } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Hint } from "../components/Hint";
import { MenuButton } from "../components/MenuButton";
import { LANGUAGES, type Language, setLanguage } from "../i18n";

export function LanguageMenu() {
  const { t, i18n } = useTranslation();
  const entries = (Object.entries(LANGUAGES) as [Language, string][]).map(([code, name]) => ({ key: code, label: name, lang: code, chosen: i18n.language === code, act: () => void setLanguage(code) }));
  return <MenuButton label={t("layout.language")} icon={<IconLanguage size={16} />} entries={entries} />;
}

/** Whether it is dark now, and how to turn that over. */
export function useScheme(): { dark: boolean; turn: () => void } {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  return { dark, turn: () => setColorScheme(dark ? "light" : "dark") };
}

export function SchemeToggle() {
  const { t } = useTranslation();
  const { dark, turn } = useScheme();
  const label = dark ? t("layout.light") : t("layout.dark");
  return (
    <Hint label={label}>
      <ActionIcon variant="default" size="md" aria-label={label} onClick={turn}>{dark ? <IconSun size={16} /> : <IconMoon size={16} />}</ActionIcon>
    </Hint>
  );
}
