import { ActionIcon } from "@mantine/core";
import { lazy, type ReactNode, Suspense, useState } from "react";

const OpenMenu = lazy(() => import("./OpenMenu"));

export interface MenuEntry {
  key: string;
  label: ReactNode;
  icon?: ReactNode;
  right?: ReactNode;
  lang?: string;
  chosen?: boolean;
  /** Where it leads, or what it does. */
  to?: string;
  act?: () => void;
}

interface Props {
  label: string;
  icon: ReactNode;
  heading?: string;
  entries: readonly MenuEntry[];
}

/** A button with a menu, which is fetched when it is first pressed. */
export function MenuButton({ label, icon, heading, entries }: Props) {
  const [called, setCalled] = useState(false);
  const button = <ActionIcon variant="default" size="md" aria-label={label} aria-haspopup="menu" onClick={() => setCalled(true)}>{icon}</ActionIcon>;
  return called ? <Suspense fallback={button}><OpenMenu label={label} icon={icon} heading={heading} entries={entries} /></Suspense> : button;
}
