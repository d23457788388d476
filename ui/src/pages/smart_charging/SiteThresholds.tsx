import { Accordion, NumberInput, SimpleGrid, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";

type Settings = Schemas["SettingsView"];
export type Thresholds = Record<keyof Settings, number | string>;

/** In the order in which they matter to who tunes a site; amperes end in `_a`, seconds in `_s`. */
const NAMES = ["hysteresis_a", "change_interval_s", "turn_s", "pause_s", "demand_after_s", "idle_after_s", "settle_s", "tolerance_a", "forgive_after_s", "lead_s", "clock_margin_s", "meter_timeout_s", "meter_window_s"] as const satisfies readonly (keyof Settings)[];

/** As the form begins: what holds at a site, and nothing for one that is yet to be made. */
export function thresholdsOf(settings: Settings | undefined): Thresholds {
  return Object.fromEntries(NAMES.map((name) => [name, settings?.[name] ?? ""])) as Thresholds;
}

/** As the API takes them: what is empty has its default again. */
export function settingsOf(thresholds: Thresholds): Record<string, number | null> {
  return Object.fromEntries(NAMES.map((name) => [name, thresholds[name] === "" ? null : Number(thresholds[name])]));
}

/** The times and thresholds of the planner, folded away: the defaults suit most sites. */
export function SiteThresholds({ inputProps }: { inputProps: (name: keyof Settings) => object }) {
  const { t } = useTranslation();
  return (
    <Accordion variant="contained">
      <Accordion.Item value="thresholds">
        <Accordion.Control>{t("site.thresholds.title")}</Accordion.Control>
        <Accordion.Panel>
          <Text size="xs" c="dimmed" mb="xs">{t("site.thresholds.help")}</Text>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            {NAMES.map((name) => (
              <NumberInput key={name} label={t(`site.threshold.${name}`)} description={t(`site.thresholdHelp.${name}`)} placeholder={t("site.thresholds.default")} suffix={name.endsWith("_a") ? " A" : " s"} min={0} decimalScale={name.endsWith("_a") ? 1 : 0} hideControls {...inputProps(name)} />
            ))}
          </SimpleGrid>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
