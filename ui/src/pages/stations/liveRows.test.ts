import { describe, expect, it } from "vitest";
import type { LiveEvent } from "../../live/events";
import { changeOf, patched, type StationRow } from "./liveRows";

const event = (type: string, data: Record<string, unknown> = {}): LiveEvent => ({ id: "1", type, station_id: "A", at: "2026-01-01T00:00:00Z", data });
const row = (id: string) => ({ id, connected: false }) as StationRow;

describe("an event changes the row of its station", () => {
  it("when it comes, goes and boots", () => {
    expect(changeOf(event("station.connected"))).toMatchObject({ connected: true, last_seen_at: "2026-01-01T00:00:00Z" });
    expect(changeOf(event("station.disconnected"))).toMatchObject({ connected: false });
    expect(changeOf(event("station.booted", { registration: "Pending", model: "M" }))).toMatchObject({ reported_state: "Pending", model: "M", vendor: null });
    expect(changeOf(event("station.refused"))).toBeNull();
  });

  it("and leaves every other row and page the same object", () => {
    const data = { pages: [{ items: [row("A"), row("B")], next_cursor: "x" }, { items: [row("C")], next_cursor: null }], pageParams: [] };
    const after = patched(data, new Map([["A", { connected: true }]]));
    expect(after?.pages[0]?.items.map((each) => each.connected)).toEqual([true, false]);
    expect(after?.pages[0]?.items[1]).toBe(data.pages[0]?.items[1]);
    expect(after?.pages[1]).toBe(data.pages[1]);
    expect(patched(data, new Map([["Z", { connected: true }]]))).toBe(data);
  });
});
