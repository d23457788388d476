import type { ReactNode } from "react";
import { TextInput } from "@mantine/core";
import { fromLocal, toLocal } from "../lib/time";

interface Props {
  label: string;
  description?: string;
  required?: boolean;
  /** ISO in UTC, or null. */
  value?: string | null;
  onChange?: (value: string | null) => void;
  error?: ReactNode;
}

/** A moment, typed in the viewer's zone. */
export function TimeInput({ value, onChange, ...field }: Props) {
  return <TextInput type="datetime-local" {...field} value={toLocal(value ?? null)} onChange={(event) => onChange?.(fromLocal(event.currentTarget.value))} />;
}
