/** The language and the colours of the page: chosen by whoever looks, kept in their browser. */
import { ActionIcon, Menu, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconLanguage, IconMoon, IconSun } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { LANGUAGES, type Language, setLanguage } from "../i18n";

export function LanguageMenu() {
  const { t, i18n } = useTranslation();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="md" aria-label={t("layout.language")}><IconLanguage size={16} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.entries(LANGUAGES) as [Language, string][]).map(([code, name]) => (
          <Menu.Item key={code} lang={code} onClick={() => void setLanguage(code)} fw={i18n.language === code ? 700 : undefined}>{name}</Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
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
    <Tooltip label={label}>
      <ActionIcon variant="default" size="md" aria-label={label} onClick={turn}>{dark ? <IconSun size={16} /> : <IconMoon size={16} />}</ActionIcon>
    </Tooltip>
  );
}
