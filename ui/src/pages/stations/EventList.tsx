import { Box, Button, Collapse, Group, Stack, Text, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { Failure, Loading } from "../../components/Feedback";
import { Json } from "../../components/Json";
import { When } from "../../components/When";
import { usePagedList } from "../../lib/list";
import { useLiveRefresh } from "../../live/refresh";
import { summaryOf } from "./eventSummary";

type Event = Schemas["EventView"];

interface Props {
  stationId: string;
  since?: string;
  until?: string;
  /** All if left out. */
  types?: string[];
  matches?: (event: Event) => boolean;
}

/** What happened at a station, the newest first: in words, and as it is kept. */
export function EventList({ stationId, since, until, types, matches }: Props) {
  const { t } = useTranslation();
  const query = { station_id: stationId, ...(since && { since }), ...(until && { until }), ...(types && { type: types }) };
  const key = ["past-events", query] as const;
  const list = usePagedList(key, (cursor) => ask(api.GET("/api/v1/past-events", { params: { query: { ...query, limit: 50, cursor } } })));
  useLiveRefresh(types ?? ["station.", "connector.", "transaction.", "security.", "job.changed", "reservation.", "configuration.", "transfer.", "token."], [key], (event) => event.station_id === stationId, 1_000);
  if (list.error) return <Failure error={list.error} retry={list.refetch} />;
  if (list.loading) return <Loading />;
  const rows = matches ? list.rows.filter(matches) : list.rows;
  return (
    <Stack gap={0}>
      {rows.length === 0 && <Text c="dimmed">{t("event.none")}</Text>}
      {rows.map((event) => <EventRow key={event.id} event={event} />)}
      {list.more && <Group mt="xs"><Button variant="default" onClick={list.loadMore}>{t("action.more")}</Button></Group>}
    </Stack>
  );
}

function EventRow({ event }: { event: Event }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  return (
    <Box data-event={event.type} py={6} style={{ borderBottom: "1px solid var(--mantine-color-default-border)" }}>
      <UnstyledButton w="100%" onClick={() => setOpened(!opened)} aria-expanded={opened}>
        <Box className="event-row">
          <Text size="sm" fw={500}>{t(`event.${event.type.replace(".", "_")}`, { defaultValue: event.type })}</Text>
          <Text size="sm" c="dimmed" lineClamp={opened ? undefined : 2} className="wrap-anywhere">{summaryOf(event, t)}</Text>
          <Text size="xs" c="dimmed"><When at={event.at} /></Text>
        </Box>
      </UnstyledButton>
      <Collapse expanded={opened}>{opened && <Json value={event.data} />}</Collapse>
    </Box>
  );
}
