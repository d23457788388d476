/** The windows of the frame. None is there until it is called for; then it is fetched, and stays. */
import { useHotkeys } from "@mantine/hooks";
import { useNotifications } from "@mantine/notifications";
import { useSpotlight } from "@mantine/spotlight";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { useQuestion } from "../components/confirm";
import { spotlight, store } from "./spotlight";

const Palette = lazy(() => import("./Palette"));
const ShortcutHelp = lazy(() => import("./ShortcutHelp"));
const Notes = lazy(() => import("./Notes"));
const Asked = lazy(() => import("./Asked"));

/** A window that closes may have given the focus to something else by then. */
const FOCUS_MS = 20;

interface Props {
  /** Whether the list of all keys is open. */
  helping: boolean;
  onHelp: (open: boolean) => void;
}

export function Called({ helping, onHelp }: Props) {
  const palette = useSpotlight(store).opened;
  const { notifications } = useNotifications();
  const [question] = useQuestion();
  // Also from a field: the palette's own has the focus until it has faded away.
  useHotkeys([["mod + K", spotlight.open]], []);
  useFocusReturn(palette || helping || question !== null);
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

/** A window that is fetched when it is already wanted cannot know what had the focus before, and where it goes back to. */
function useFocusReturn(open: boolean): void {
  useEffect(() => {
    const before = document.activeElement;
    if (!open || !(before instanceof HTMLElement)) return;
    return () => {
      const last = document.activeElement;
      setTimeout(() => {
        if (document.activeElement === document.body || document.activeElement === last) before.focus({ preventScroll: true });
      }, FOCUS_MS);
    };
  }, [open]);
}
