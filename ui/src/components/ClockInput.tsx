/** A length of time, typed as hours and minutes; seconds underneath. */
import { TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatClock, parseClock } from "../lib/clock";

interface Props {
  label?: string;
  "aria-label"?: string;
  description?: string;
  value?: number | "";
  onChange?: (seconds: number | "") => void;
  onBlur?: () => void;
  error?: ReactNode;
}

export function ClockInput({ value = "", onChange, onBlur, error, ...field }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState(value === "" ? "" : formatClock(value));
  const [told, setTold] = useState(value);
  // What comes from outside (a preset) counts; what is being typed stays as it is typed.
  if (value !== told) {
    setTold(value);
    setText(value === "" ? "" : formatClock(value));
  }
  const wrong = text !== "" && parseClock(text) === null;
  return (
    <TextInput
      {...field}
      value={text}
      placeholder="0:00"
      inputMode="text"
      error={wrong ? t("form.noClock") : error}
      onBlur={onBlur}
      onChange={(event) => {
        const typed = event.currentTarget.value;
        setText(typed);
        const seconds = typed === "" ? "" : parseClock(typed);
        if (seconds === null) return;
        setTold(seconds);
        onChange?.(seconds);
      }}
    />
  );
}
