import { ActionIcon, AppShell, Box, Burger, Button, Group, Kbd, Menu, NavLink, ScrollArea, Text, Tooltip, useMantineColorScheme } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { spotlight } from "@mantine/spotlight";
import { IconBolt, IconLanguage, IconLogout, IconMoon, IconSearch, IconSun, IconUserCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { NavLink as RouteLink, useLocation } from "react-router";
import { LANGUAGES, type Language, setLanguage } from "../i18n";
import { useSession } from "../session";
import { PLACES } from "./navigation";
import { Palette } from "./Palette";
import { StreamLight } from "./StreamLight";

export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const [opened, { toggle, close }] = useDisclosure();
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 232, breakpoint: "sm", collapsed: { mobile: !opened } }} padding="md">
      <a className="skip-link" href="#content">{t("layout.skip")}</a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t("layout.menu")} />
            <IconBolt size={22} aria-hidden color="var(--mantine-color-anchor)" />
            <Text fw={700}>Stationmaster</Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Button variant="default" size="xs" leftSection={<IconSearch size={14} />} rightSection={<Kbd size="xs">Ctrl K</Kbd>} onClick={spotlight.open} visibleFrom="xs">
              {t("palette.open")}
            </Button>
            <StreamLight />
            <LanguageMenu />
            <SchemeToggle />
            <UserMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="nav" aria-label={t("layout.menu")}>
        <Navigation onNavigate={close} />
      </AppShell.Navbar>
      <AppShell.Main id="content" component="main">{children}</AppShell.Main>
      <Palette />
    </AppShell>
  );
}

function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const { pathname } = useLocation();
  return (
    <ScrollArea>
      {PLACES.map(({ group, places }) => {
        const open = places.filter((place) => may(place.needs));
        if (open.length === 0) return null;
        return (
          <Box key={group} mb="sm">
            <Text size="xs" fw={600} c="dimmed" px="xs" mb={4}>{t(`nav.group.${group}`)}</Text>
            {open.map((place) => (
              <NavLink
                key={place.key}
                component={RouteLink}
                to={place.to}
                label={t(`nav.${place.key}`)}
                leftSection={<place.icon size={18} stroke={1.6} aria-hidden />}
                active={place.to === "/" ? pathname === "/" : pathname.startsWith(place.to)}
                onClick={onNavigate}
              />
            ))}
          </Box>
        );
      })}
    </ScrollArea>
  );
}

function LanguageMenu() {
  const { t, i18n } = useTranslation();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="md" aria-label={t("layout.language")}><IconLanguage size={16} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.entries(LANGUAGES) as [Language, string][]).map(([code, name]) => (
          <Menu.Item key={code} onClick={() => setLanguage(code)} fw={i18n.language === code ? 700 : undefined}>{name}</Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function SchemeToggle() {
  const { t } = useTranslation();
  const { setColorScheme, colorScheme } = useMantineColorScheme();
  const dark = colorScheme === "dark" || (colorScheme === "auto" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  const label = dark ? t("layout.light") : t("layout.dark");
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" size="md" aria-label={label} onClick={() => setColorScheme(dark ? "light" : "dark")}>
        {dark ? <IconSun size={16} /> : <IconMoon size={16} />}
      </ActionIcon>
    </Tooltip>
  );
}

function UserMenu() {
  const { t } = useTranslation();
  const { session, signOut } = useSession();
  if (session === null) return null;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="md" aria-label={t("layout.account")}><IconUserCircle size={16} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{session.name} · {t(`role.${session.role}`, { defaultValue: session.role })}</Menu.Label>
        <Menu.Item component={RouteLink} to="/account">{t("nav.account")}</Menu.Item>
        <Menu.Item leftSection={<IconLogout size={14} />} onClick={() => void signOut()}>{t("session.signOut")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
