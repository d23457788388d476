import { useWords } from "../i18n/language";
import classes from "./StateBadge.module.css";

type Color = "gray" | "teal" | "blue" | "yellow" | "orange" | "red" | "grape";

/** One colour per meaning in the whole product: good, at work, careful, bad, at rest. */
const COLORS: Record<string, Color> = {
  Accepted: "teal", Available: "teal", online: "teal", done: "teal", Installed: "teal", Uploaded: "teal", active: "teal", pass: "teal", passed: "teal", alert_acknowledged: "blue", completed: "teal", in_sync: "teal", delivered: "teal", email_sent: "teal",
  Charging: "blue", Preparing: "blue", Finishing: "blue", open: "blue", sent: "blue", queued: "blue", waiting: "blue", email_waiting: "blue", running: "blue", Downloading: "blue", Installing: "blue",
  SuspendedEV: "yellow", SuspendedEVSE: "yellow", Reserved: "grape", Pending: "yellow", superseded: "yellow", warning: "yellow", drift: "yellow", Blocked: "orange",
  Faulted: "red", Rejected: "red", error: "red", timeout: "red", not_delivered: "red", invalid_response: "red", expired: "orange", failing: "orange", given_up: "red", email_failed: "red", fail: "red", failed: "red", broken: "red", alert_open: "red", revoked: "red", Expired: "orange", Invalid: "red", critical: "red",
};

export function StateBadge({ state, title }: { state: string | null | undefined; title?: string }) {
  const { t } = useWords();
  const color = (state && COLORS[state]) || "gray";
  return (
    <span className={`${classes.badge} ${classes[color]}`} title={state ? title : undefined} data-state={state || undefined}>
      <span className={classes.label}>{state ? t(`value.${state}`, { defaultValue: state }) : t("state.unknown")}</span>
    </span>
  );
}
