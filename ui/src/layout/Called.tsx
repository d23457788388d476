/** The windows of the frame. None is there until it is called for; then it is fetched, and stays. */
import { useHotkeys } from "@mantine/hooks";
import { useNotifications } from "@mantine/notifications";
import { useSpotlight } from "@mantine/spotlight";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useQuestion } from "../components/confirm";
import { spotlight, store } from "./spotlight";

const Palette = lazy(() => import("./Palette"));
const ShortcutHelp = lazy(() => import("./ShortcutHelp"));
const Notes = lazy(() => import("./Notes"));
const Asked = lazy(() => import("./Asked"));

interface Props {
  /** Whether the list of all keys is open. */
  helping: boolean;
  onHelp: (open: boolean) => void;
}

export function Called({ helping, onHelp }: Props) {
  const palette = useSpotlight(store).opened;
  const { notifications } = useNotifications();
  const [question] = useQuestion();
  useHotkeys([["mod + K", spotlight.open]]);
  return (
    <>
      <Once wanted={palette}><Palette onHelp={() => onHelp(true)} /></Once>
      <Once wanted={helping}><ShortcutHelp opened={helping} onClose={() => onHelp(false)} /></Once>
      <Once wanted={notifications.length > 0}><Notes /></Once>
      <Once wanted={question !== null}><Asked /></Once>
    </>
  );
}

function Once({ wanted, children }: { wanted: boolean; children: ReactNode }) {
  const [called, setCalled] = useState(wanted);
  if (wanted && !called) setCalled(true);
  return called && <Suspense fallback={null}>{children}</Suspense>;
}
