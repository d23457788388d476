/** Events make queries fresh: at most four times a second for each key, however many events come (S-21). */
import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { type LiveEvent, useEvents } from "./events";

const INTERVAL_MS = 250;

export function useLiveRefresh(types: readonly string[], keys: readonly QueryKey[], matches?: (event: LiveEvent) => boolean): void {
  const client = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents(types, (event) => {
    if (timer.current !== undefined || (matches !== undefined && !matches(event))) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      for (const queryKey of keys) void client.invalidateQueries({ queryKey });
    }, INTERVAL_MS);
  });
}
