import { Badge, Card, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { Await } from "../../components/Feedback";
import { When } from "../../components/When";
import { EventList } from "./EventList";
import type { Station } from "./StationPage";

/** What happened, and what of it was tolerated although the specification forbids it. */
export function EventsTab({ station }: { station: Station }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Oddities station={station} />
      <Card><Title order={2} size="h4" mb="xs">{t("station.history")}</Title><EventList stationId={station.id} /></Card>
    </Stack>
  );
}

function Oddities({ station }: { station: Station }) {
  const { t } = useTranslation();
  const path = { station_id: station.id };
  const query = useQuery({ queryKey: ["oddities", station.id], queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/oddities", { params: { path } })) });
  const quirks = useQuery({ queryKey: ["quirks", station.id], queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/quirks", { params: { path } })) });
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{t("station.oddities")}</Title>
      {quirks.data?.quirk_profile_name && <Text size="sm" mb="xs">{t("station.quirkProfile", { name: quirks.data.quirk_profile_name })}</Text>}
      <Await query={query}>
        {(page) => page.items.length === 0 ? <Text c="dimmed">{t("station.noOddities")}</Text> : (
          <Table.ScrollContainer className="stacked" minWidth={560}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>{t("oddityTable.what")}</Table.Th><Table.Th>{t("oddityTable.where")}</Table.Th><Table.Th>{t("oddityTable.raw")}</Table.Th><Table.Th ta="right">{t("oddityTable.times")}</Table.Th><Table.Th>{t("oddityTable.last")}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {page.items.map((oddity) => (
                  <Table.Tr key={`${oddity.kind}|${oddity.action}|${oddity.path}`} data-oddity={oddity.kind}>
                    <Table.Td>{t(`oddity.${oddity.kind}`, { defaultValue: oddity.kind })}</Table.Td>
                    <Table.Td><Badge color="gray">{oddity.action ?? "–"}</Badge> <Text span size="xs" className="mono wrap-anywhere">{oddity.path}</Text></Table.Td>
                    <Table.Td className="wrap-anywhere mono">{oddity.raw}</Table.Td>
                    <Table.Td ta="right" className="tabular" data-label={t("oddityTable.times")}>{oddity.count}</Table.Td>
                    <Table.Td data-label={t("oddityTable.last")}><When at={oddity.last_at} ago /></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Await>
    </Card>
  );
}
