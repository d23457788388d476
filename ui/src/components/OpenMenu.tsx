import { ActionIcon, Menu } from "@mantine/core";
import { type ReactNode, useRef } from "react";
import { Link } from "react-router";
import type { MenuEntry } from "./MenuButton";

/** Open from the start: it was fetched because somebody pressed its button. */
export default function OpenMenu({ label, icon, heading, entries }: { label: string; icon: ReactNode; heading?: string; entries: readonly MenuEntry[] }) {
  const button = useRef<HTMLButtonElement>(null);
  return (
    <Menu position="bottom-end" defaultOpened returnFocus={false} onClose={() => button.current?.focus()}>
      <Menu.Target>
        <ActionIcon ref={button} variant="default" size="md" aria-label={label}>{icon}</ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {heading && <Menu.Label>{heading}</Menu.Label>}
        {entries.map(({ key, label: words, icon: left, right, lang, chosen, to, act }) => {
          const looks = { lang, leftSection: left, rightSection: right, fw: chosen ? 700 : undefined };
          return to === undefined ? <Menu.Item key={key} {...looks} onClick={act}>{words}</Menu.Item> : <Menu.Item key={key} {...looks} component={Link} to={to}>{words}</Menu.Item>;
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
