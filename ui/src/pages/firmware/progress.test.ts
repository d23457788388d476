import { describe, expect, it } from "vitest";
import { progressOf, transfersOf } from "./progress";

const told = (status: string, job_id: string | null = null, transfer = "firmware") => ({ station_id: "A", transfer, status, request_id: null, job_id, received_at: "" });

describe("how far a transfer has come", () => {
  it("grows from word to word", () => {
    const percents = ["DownloadScheduled", "Downloading", "Downloaded", "SignatureVerified", "InstallScheduled", "Installing", "InstallRebooting", "Installed"].map((status) => progressOf(status)?.percent ?? -1);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(progressOf("Installed")).toEqual({ percent: 100, state: "done" });
    expect(progressOf("InvalidSignature")?.state).toBe("failed");
    expect(progressOf("Idle")).toBeNull();
  });

  it("is told apart by job, and without one by the last word", () => {
    const transfers = transfersOf([told("Downloading", "2"), told("Uploaded", null, "diagnostics"), told("Installed", "1"), told("Downloading", "1"), told("Uploading", null, "diagnostics"), told("Uploaded", null, "diagnostics"), told("Idle")]);
    expect(transfers.map((each) => [each.transfer, each.job_id, each.steps.map((step) => step.status)])).toEqual([
      ["firmware", "2", ["Downloading"]],
      ["diagnostics", null, ["Uploaded", "Uploading"]],
      ["firmware", "1", ["Installed", "Downloading"]],
      ["diagnostics", null, ["Uploaded"]],
    ]);
  });
});
