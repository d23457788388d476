import { Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { Await } from "../../components/Feedback";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useLiveRefresh } from "../../live/refresh";
import type { Station } from "./StationPage";

/** What the station reported about itself, and what of it was tolerated although the specification forbids it. */
export function EventsTab({ station }: { station: Station }) {
  const { t } = useTranslation();
  const security = useQuery({
    queryKey: ["security-events", station.id],
    queryFn: () => ask(api.GET("/api/v1/security-events", { params: { query: { station_id: station.id, limit: 100 } } })),
  });
  const oddities = useQuery({
    queryKey: ["oddities", station.id],
    queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/oddities", { params: { path: { station_id: station.id } } })),
  });
  const events = useQuery({
    queryKey: ["past-events", station.id],
    queryFn: () => ask(api.GET("/api/v1/past-events", { params: { query: { station_id: station.id, limit: 100 } } })),
  });
  useLiveRefresh(["station.", "security.", "connector."], [["past-events", station.id], ["security-events", station.id]], (event) => event.station_id === station.id);
  return (
    <Stack>
      <Title order={2} size="h4">{t("station.securityEvents")}</Title>
      <Await query={security}>
        {(page) => page.items.length === 0 ? <Text c="dimmed">{t("station.noSecurityEvents")}</Text> : (
          <Table><Table.Tbody>
            {page.items.map((event) => (
              <Table.Tr key={`${event.type}|${event.occurred_at}|${event.received_at}`}>
                <Table.Td>{event.critical && <StateBadge state="critical" />} {event.type}</Table.Td>
                <Table.Td className="wrap-anywhere">{event.technical_info}</Table.Td>
                <Table.Td><When at={event.occurred_at} /></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody></Table>
        )}
      </Await>
      <Title order={2} size="h4">{t("station.oddities")}</Title>
      <Await query={oddities}>
        {(page) => page.items.length === 0 ? <Text c="dimmed">{t("station.noOddities")}</Text> : (
          <Table><Table.Tbody>
            {page.items.map((oddity) => (
              <Table.Tr key={`${oddity.kind}|${oddity.action}|${oddity.path}`}>
                <Table.Td>{t(`oddity.${oddity.kind}`, { defaultValue: oddity.kind })}</Table.Td>
                <Table.Td>{oddity.action} {oddity.path}</Table.Td>
                <Table.Td className="wrap-anywhere mono">{oddity.raw}</Table.Td>
                <Table.Td>{t("station.toleratedTimes", { count: oddity.count })}</Table.Td>
                <Table.Td><When at={oddity.last_at} ago /></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody></Table>
        )}
      </Await>
      <Title order={2} size="h4">{t("station.history")}</Title>
      <Await query={events}>
        {(page) => (
          <Table><Table.Tbody>
            {page.items.map((event) => (
              <Table.Tr key={event.id}>
                <Table.Td><When at={event.at} /></Table.Td>
                <Table.Td>{t(`event.${event.type.replace(".", "_")}`, { defaultValue: event.type })}</Table.Td>
                <Table.Td className="wrap-anywhere mono">{JSON.stringify(event.data)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody></Table>
        )}
      </Await>
    </Stack>
  );
}
