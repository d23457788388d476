/** What Mantine's scroll area asks of @floating-ui/react, without the rest of that library (see `chunks.ts`). */
import { useMergedRef } from "@mantine/hooks";
import type { Ref } from "react";

export function useMergeRefs<T>(refs: (Ref<T> | undefined)[]): Ref<T> {
  return useMergedRef(...refs);
}
