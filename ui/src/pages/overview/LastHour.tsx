import { Anchor, Card, Group, ScrollArea, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask } from "../../api/client";
import { Await } from "../../components/Feedback";
import { When } from "../../components/When";

const HOUR_MS = 3_600_000;
const TOLD = ["station.booted", "station.connected", "station.disconnected", "station.refused", "station.identity_contested", "station.identity_settled", "transaction.started", "transaction.ended", "security.event"];

/** What changed in the last hour, the newest first. */
export function LastHour() {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: ["overview", "events"],
    queryFn: () => ask(api.GET("/api/v1/past-events", { params: { query: { since: new Date(Date.now() - HOUR_MS).toISOString(), type: TOLD, limit: 50 } } })),
  });
  return (
    <Card h="100%">
      <Title order={2} size="h5" mb="xs">{t("overview.lastHour")}</Title>
      <Await query={query}>
        {(page) => page.items.length === 0 ? <Text c="dimmed" size="sm">{t("overview.quiet")}</Text> : (
          <ScrollArea.Autosize mah={340} viewportProps={{ tabIndex: 0, "aria-label": t("overview.lastHour"), role: "region" }}>
            <Stack gap={6}>
              {page.items.map((event) => (
                <Group key={event.id} gap="xs" wrap="nowrap" align="baseline">
                  <Text size="sm" c="dimmed" w="7.5rem" component="div" style={{ flexShrink: 0 }}><When at={event.at} ago /></Text>
                  <Text size="sm" miw={0} className="wrap-anywhere">
                    {event.station_id && <Anchor component={Link} to={`/stations/${encodeURIComponent(event.station_id)}`} inherit underline="always">{event.station_id}</Anchor>}{" "}
                    {t(`event.${event.type.replace(".", "_")}`, { defaultValue: event.type })}
                  </Text>
                </Group>
              ))}
            </Stack>
          </ScrollArea.Autosize>
        )}
      </Await>
    </Card>
  );
}
