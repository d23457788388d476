/**
 * Events make queries fresh: at most four times a second for each key, however many events come (S-21), and never
 * while the last reading is still under way, so that a slow answer is not called off for ever.
 */
import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { type LiveEvent, useEvents } from "./events";

const INTERVAL_MS = 250;

export function useLiveRefresh(types: readonly string[], keys: readonly QueryKey[], matches?: (event: LiveEvent) => boolean, interval_ms = INTERVAL_MS): void {
  const client = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const reading = useRef(false);
  const again = useRef(false);
  const wanted = useRef(keys);
  useEffect(() => {
    wanted.current = keys;
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  const arm = () => {
    if (reading.current) again.current = true;
    else
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        reading.current = true;
        void Promise.allSettled(wanted.current.map((queryKey) => client.invalidateQueries({ queryKey }))).then(() => {
          reading.current = false;
          if (!again.current) return;
          again.current = false;
          arm();
        });
      }, interval_ms);
  };
  useEvents(types, (event) => {
    if (matches === undefined || matches(event)) arm();
  });
}
