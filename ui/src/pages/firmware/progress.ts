/** How far an update or an upload has come, from the words in which stations tell of it (OCPP 1.6 §7.25, §7.24; security extension §4.9, §4.10). */
import type { Schemas } from "../../api/client";

type Status = Schemas["TransferStatusView"];

export interface Progress {
  percent: number;
  state: "running" | "done" | "failed";
}

const PERCENT: Record<string, number> = {
  DownloadScheduled: 5, DownloadPaused: 20, Downloading: 25, Downloaded: 50, SignatureVerified: 55, InstallScheduled: 60, Installing: 75, InstallRebooting: 90, Installed: 100,
  Uploading: 50, Uploaded: 100,
};
const DONE = new Set(["Installed", "Uploaded"]);
const FAILED = new Set([
  "DownloadFailed", "InstallationFailed", "InstallVerificationFailed", "InvalidSignature", "UploadFailed", "UploadFailure", "BadMessage", "NotSupportedOperation", "PermissionDenied", "AcceptedCanceled",
]);

/** Null where the status tells of nothing under way ("Idle"). */
export function progressOf(status: string): Progress | null {
  if (FAILED.has(status)) return { percent: 100, state: "failed" };
  if (DONE.has(status)) return { percent: 100, state: "done" };
  const percent = PERCENT[status];
  return percent === undefined ? null : { percent, state: "running" };
}

export interface Transfer {
  transfer: string;
  job_id: string | null;
  /** The newest first. */
  steps: Status[];
}

/** What stations told, the newest first, as transfers: told of by the same job, or one after another until the last word. */
export function transfersOf(statuses: readonly Status[]): Transfer[] {
  const found: Transfer[] = [];
  for (const status of statuses) {
    const open = found.find((each) => each.transfer === status.transfer && each.job_id === (status.job_id ?? null) && belongs(each, status));
    if (open) open.steps.push(status);
    else found.push({ transfer: status.transfer, job_id: status.job_id ?? null, steps: [status] });
  }
  return found.filter((each) => each.steps.some((step) => progressOf(step.status) !== null));
}

function belongs(transfer: Transfer, older: Status): boolean {
  if (transfer.job_id !== null) return true;
  const ended = progressOf(older.status)?.state;
  return ended !== "done" && ended !== "failed";
}
