/**
 * The rows of the table of stations, kept fresh without reading ten thousand of them again: what an event
 * says is put into its row, at most four times a second for all rows together (S-21).
 */
import { type InfiniteData, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { Schemas } from "../../api/client";
import { type LiveEvent, useEvents } from "../../live/events";
import type { Paged } from "../../lib/list";

export type StationRow = Schemas["StationView"];
type Pages = InfiniteData<Paged<StationRow>>;

const FLUSH_MS = 250;

/** What an event changes in the row of its station. */
export function changeOf(event: LiveEvent): Partial<StationRow> | null {
  const seen = { last_seen_at: event.at };
  const text = (name: string) => event.data[name] as string | null | undefined;
  switch (event.type) {
    case "station.connected":
      return { ...seen, connected: true, connected_at: event.at, protocol: text("protocol") ?? null, remote_address: text("remote_address") ?? null };
    case "station.disconnected":
      return { connected: false, disconnected_at: event.at };
    case "station.booted":
      return { ...seen, reported_state: (text("registration") ?? null) as StationRow["reported_state"], vendor: text("vendor") ?? null, model: text("model") ?? null, firmware_version: text("firmware_version") ?? null, last_boot_at: event.at };
    default:
      return null;
  }
}

/** The pages with the changes in them; pages and rows that nothing changes stay the same objects. */
export function patched(data: Pages | undefined, changes: ReadonlyMap<string, Partial<StationRow>>): Pages | undefined {
  if (data === undefined) return data;
  let touched = false;
  const pages = data.pages.map((page) => {
    if (!page.items.some((row) => changes.has(row.id))) return page;
    touched = true;
    return { ...page, items: page.items.map((row) => (changes.has(row.id) ? { ...row, ...changes.get(row.id) } : row)) };
  });
  return touched ? { ...data, pages } : data;
}

export function useLiveRows(): void {
  const client = useQueryClient();
  const waiting = useRef(new Map<string, Partial<StationRow>>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents(["station."], (event) => {
    const change = changeOf(event);
    if (change === null || !event.station_id) return;
    waiting.current.set(event.station_id, { ...waiting.current.get(event.station_id), ...change });
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      const changes = waiting.current;
      waiting.current = new Map();
      client.setQueriesData<Pages>({ queryKey: ["stations"], predicate: (query) => Array.isArray((query.state.data as Pages | undefined)?.pages) }, (data) => patched(data, changes));
    }, FLUSH_MS);
  });
}
