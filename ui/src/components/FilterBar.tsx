import { Box, Button, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconDownload, IconSearch } from "@tabler/icons-react";
import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./FilterBar.module.css";
import { TimeInput } from "./TimeInput";

interface Choice<Name extends string> {
  name: Name;
  label: string;
  options: { value: string; label: string }[];
}

interface Props<Name extends string> {
  filters: Partial<Record<Name, string>>;
  set: (name: Name, value: string | null) => void;
  search?: { name: Name; label: string };
  choices?: readonly Choice<Name>[];
  texts?: { name: Name; label: string }[];
  /** Moments, typed in the viewer's zone. */
  times?: { name: Name; label: string }[];
  /** The list's own address; its CSV has the same filters. */
  csv?: string;
}

/** Drawn again only when what it is given changes, however often the list below does. */
export const FilterBar = memo(PlainFilterBar) as typeof PlainFilterBar;

function PlainFilterBar<Name extends string>({ filters, set, search, choices = [], texts = [], times = [], csv }: Props<Name>) {
  const { t } = useTranslation();
  const query = new URLSearchParams({ ...(filters as Record<string, string>), format: "csv" });
  return (
    <Box className={classes.bar}>
      {search && <Typed name={search.name} label={search.label} value={filters[search.name]} set={set} icon={<IconSearch size={16} aria-hidden />} />}
      {texts.map(({ name, label }) => <Typed key={name} name={name} label={label} value={filters[name]} set={set} />)}
      {choices.map(({ name, label, options }) => (
        <Select key={name} label={label} data={options} value={filters[name] ?? null} onChange={(value) => set(name, value)} clearable className={classes.choice} placeholder={t("filter.any")} />
      ))}
      {times.map(({ name, label }) => <TimeInput key={name} label={label} value={filters[name] ?? null} onChange={(value) => set(name, value)} />)}
      {csv && (
        <Button component="a" href={`${csv}?${query}`} download variant="default" leftSection={<IconDownload size={16} aria-hidden />}>
          {t("action.export")}
        </Button>
      )}
    </Box>
  );
}

function Typed<Name extends string>({ name, label, value, set, icon }: { name: Name; label: string; value: string | undefined; set: (name: Name, value: string | null) => void; icon?: React.ReactNode }) {
  const [text, setText] = useState(value ?? "");
  // What the address says counts when it is not what was typed here: a filter was cleared, a link was followed.
  const [told, setTold] = useState(value ?? "");
  if ((value ?? "") !== told) {
    setTold(value ?? "");
    setText(value ?? "");
  }
  const apply = useDebouncedCallback((next: string) => {
    setTold(next);
    set(name, next || null);
  }, 250);
  return (
    <TextInput
      label={label}
      value={text}
      leftSection={icon}
      onChange={(event) => {
        setText(event.currentTarget.value);
        apply(event.currentTarget.value);
      }}
    />
  );
}
