import { ActionIcon, AppShell, Box, Burger, Button, Group, Kbd, NavLink, ScrollArea, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBolt, IconKeyboard, IconLogout, IconSearch, IconUserCircle } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { NavLink as RouteLink, useLocation, useNavigate } from "react-router";
import { MenuButton } from "../components/MenuButton";
import { useSession } from "../session";
import { Bell } from "./Bell";
import { Called } from "./Called";
import { LanguageMenu, SchemeToggle } from "./Looks";
import { Lost } from "./Lost";
import { PLACES } from "./navigation";
import { spotlight } from "./spotlight";
import { LETTERS, useShortcuts } from "./shortcuts";
import { StreamLight } from "./StreamLight";

/** What is around every page of somebody who has signed in. */
export default function Shell({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const navigate = useNavigate();
  const [opened, { toggle, close }] = useDisclosure();
  const [helping, setHelping] = useState(false);
  useShortcuts({
    go: (letter) => {
      const place = PLACES.flatMap(({ places }) => places).find((each) => LETTERS[each.key] === letter && may(each.needs));
      if (place) void navigate(place.to);
      return place !== undefined;
    },
    help: () => setHelping(true),
  });
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
            <Button variant="default" size="xs" leftSection={<IconSearch size={14} />} rightSection={<Kbd size="xs">Ctrl K</Kbd>} onClick={spotlight.open} visibleFrom="sm">
              {t("palette.open")}
            </Button>
            <ActionIcon variant="default" size="md" aria-label={t("palette.open")} onClick={spotlight.open} hiddenFrom="sm"><IconSearch size={16} /></ActionIcon>
            <StreamLight />
            <Bell />
            <Group gap="xs" wrap="nowrap" visibleFrom="sm"><LanguageMenu /><SchemeToggle /></Group>
            <UserMenu onHelp={() => setHelping(true)} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="nav" aria-label={t("layout.menu")}>
        <Navigation onNavigate={close} />
        <Group gap="xs" p="xs" hiddenFrom="sm"><LanguageMenu /><SchemeToggle /></Group>
      </AppShell.Navbar>
      <AppShell.Main id="content" component="main">
        <Lost />
        {children}
      </AppShell.Main>
      <Called helping={helping} onHelp={setHelping} />
    </AppShell>
  );
}

function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const { pathname } = useLocation();
  return (
    <ScrollArea flex={1} viewportProps={{ tabIndex: -1 }}>
      {PLACES.map(({ group, places }) => {
        const open = places.filter((place) => may(place.needs));
        if (open.length === 0) return null;
        return (
          <Box key={group} mb={8}>
            <Text size="xs" fw={600} c="dimmed" px="xs" mb={2}>{t(`nav.group.${group}`)}</Text>
            {open.map((place) => (
              <NavLink
                key={place.key}
                component={RouteLink}
                to={place.to}
                label={t(`nav.${place.key}`)}
                leftSection={<place.icon size={18} stroke={1.6} aria-hidden />}
                active={place.to === "/" ? pathname === "/" : pathname === place.to || pathname.startsWith(`${place.to}/`)}
                onClick={onNavigate}
                py={4}
              />
            ))}
          </Box>
        );
      })}
    </ScrollArea>
  );
}

function UserMenu({ onHelp }: { onHelp: () => void }) {
  const { t } = useTranslation();
  const { session, signOut } = useSession();
  if (session === null) return null;
  const entries = [
    { key: "account", label: t("nav.account"), to: "/account" },
    { key: "shortcuts", label: t("shortcut.title"), icon: <IconKeyboard size={14} />, right: <Kbd size="xs">?</Kbd>, act: onHelp },
    { key: "signOut", label: t("session.signOut"), icon: <IconLogout size={14} />, act: () => void signOut() },
  ];
  return <MenuButton label={t("layout.account")} icon={<IconUserCircle size={16} />} heading={`${session.name} · ${t(`role.${session.role}`, { defaultValue: session.role })}`} entries={entries} />;
}
