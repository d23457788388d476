/** Keys that lead somewhere: "g" and a letter go to a page, "/" to the search of the page, "?" tells them all. */
import { useEffect, useRef } from "react";

/** The letter after "g" for each place that has one. */
export const LETTERS: Record<string, string> = {
  overview: "o", stations: "s", door: "d", transactions: "t", tokens: "k", reservations: "r", alerts: "a", sites: "i", chargingProfiles: "p", firmware: "f",
  certificates: "c", users: "u", audit: "l", messages: "m", settings: "e", conformance: "x", webhooks: "w",
};

const SEQUENCE_MS = 1_500;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

/** A window or a menu has its own keys. */
function isBusy(): boolean {
  return document.querySelector("[role=dialog], [role=menu]") !== null;
}

interface Actions {
  go: (letter: string) => boolean;
  help: () => void;
}

export function useShortcuts({ go, help }: Actions): void {
  const latest = useRef({ go, help });
  useEffect(() => {
    latest.current = { go, help };
  });
  useEffect(() => {
    let begunAt = -Infinity;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isBusy()) return;
      const second = event.timeStamp - begunAt < SEQUENCE_MS;
      begunAt = -Infinity;
      if (second && latest.current.go(event.key.toLowerCase())) event.preventDefault();
      else if (event.key === "g") begunAt = event.timeStamp;
      else if (event.key === "?") latest.current.help();
      else if (event.key === "/") {
        const search = document.querySelector<HTMLInputElement>("main input[type=search], main [data-search] input, main input");
        if (search === null) return;
        event.preventDefault();
        search.focus();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}
