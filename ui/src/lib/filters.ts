/** Filters live in the address, so that a view can be sent to a colleague and survives a reload. */
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";

export function useFilters<Name extends string>(names: readonly Name[]): [Partial<Record<Name, string>>, (name: Name, value: string | null) => void] {
  const [params, setParams] = useSearchParams();
  const key = names.join(",");
  const filters = useMemo(() => {
    const found: Partial<Record<Name, string>> = {};
    for (const name of key.split(",") as Name[]) {
      const value = params.get(name);
      if (value) found[name] = value;
    }
    return found;
  }, [params, key]);
  const set = useCallback(
    (name: Name, value: string | null) =>
      setParams(
        (old) => {
          const next = new URLSearchParams(old);
          if (value) next.set(name, value);
          else next.delete(name);
          return next;
        },
        { replace: true },
      ),
    [setParams],
  );
  return [filters, set];
}
