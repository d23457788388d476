import { Box, Card, Group, Progress, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Hint } from "../../components/Hint";
import { StateBadge } from "../../components/StateBadge";
import { formatCount } from "../../lib/units";
import { STATES, STATE_HEX } from "./states";

/** All stations as one bar by state, and what the connectors of those that are here report. */
export function StationStates({ stations, connectors }: { stations: Record<string, number>; connectors: Record<string, number> }) {
  const { t, i18n } = useTranslation();
  const all = Object.values(stations).reduce((sum, count) => sum + count, 0);
  const there = STATES.filter((state) => (stations[state] ?? 0) > 0);
  return (
    <Card>
      <Title order={2} size="h5" mb="xs">{t("overview.byState")}</Title>
      <Progress.Root size={18} radius="sm" aria-hidden>
        {there.map((state) => (
          <Hint key={state} label={`${t(`stationState.${state}`)}: ${stations[state]}`}>
            <Progress.Section value={((stations[state] ?? 0) / all) * 100} color={STATE_HEX[state]} withAria={false} />
          </Hint>
        ))}
      </Progress.Root>
      <Group gap="lg" mt="xs" role="list" aria-label={t("overview.byState")}>
        {there.map((state) => (
          <Group key={state} gap={6} role="listitem" data-station-state={state}>
            <Box w={10} h={10} bg={STATE_HEX[state]} style={{ borderRadius: 3 }} aria-hidden />
            <Text size="sm">{t(`stationState.${state}`)} <Text span fw={600} className="tabular">{formatCount(stations[state] ?? 0, i18n.language)}</Text></Text>
          </Group>
        ))}
      </Group>
      {Object.keys(connectors).length > 0 && (
        <Group gap="xs" mt="sm">
          <Text size="sm" c="dimmed">{t("overview.connectors")}</Text>
          {Object.entries(connectors).sort(([, a], [, b]) => b - a).map(([status, count]) => (
            <Group key={status} gap={4}><StateBadge state={status} /><Text size="sm" className="tabular">{formatCount(count, i18n.language)}</Text></Group>
          ))}
        </Group>
      )}
    </Card>
  );
}
