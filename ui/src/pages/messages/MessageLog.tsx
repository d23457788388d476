import { Anchor, Badge, Box, Button, Collapse, Group, Stack, Switch, Text, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { Empty, Failure, Loading } from "../../components/Feedback";
import { FilterBar } from "../../components/FilterBar";
import { Json } from "../../components/Json";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import classes from "./MessageLog.module.css";

type Message = Schemas["MessageView"];
const TAIL_MS = 1_500;

/** The message log as a conversation: request and answer paired, who spoke on which side, the raw frames one click away. */
export function MessageLog({ stationId, since, until }: { stationId?: string; since?: string; until?: string }) {
  const { t } = useTranslation();
  const [tail, setTail] = useState(false);
  const [filters, setFilter] = useFilters(["station_id", "direction", "kind", "action", "search", "error_code"] as const);
  const query = { ...filters, ...(stationId && { station_id: stationId }), ...(since && { since }), ...(until && { until }) };
  const list = usePagedList(
    ["messages", query],
    (cursor) => ask(api.GET("/api/v1/messages", { params: { query: { ...query, limit: 100, cursor } as never } })),
    { refetchInterval: tail ? TAIL_MS : undefined },
  );
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <FilterBar
          filters={query}
          set={setFilter}
          search={{ name: "search", label: t("message.search") }}
          texts={[...(stationId ? [] : [{ name: "station_id" as const, label: t("station.id") }]), { name: "action", label: t("message.action") }]}
          choices={[{ name: "direction", label: t("message.direction"), options: [{ value: "in", label: t("message.in") }, { value: "out", label: t("message.out") }] }]}
          csv="/api/v1/messages"
        />
        <Switch label={t("message.tail")} checked={tail} onChange={(event) => setTail(event.currentTarget.checked)} />
      </Group>
      {list.error ? <Failure error={list.error} retry={list.refetch} /> : list.loading ? <Loading /> : list.rows.length === 0 ? (
        <Empty title={t("message.none.title")}>{t("message.none.text")}</Empty>
      ) : (
        <Stack gap={6} role="log" aria-label={t("nav.messages")}>
          {list.rows.map((message) => <Exchange key={message.id} message={message} withStation={stationId === undefined} />)}
          {list.more && <Button variant="default" onClick={list.loadMore}>{t("action.more")}</Button>}
        </Stack>
      )}
    </Stack>
  );
}

function Exchange({ message, withStation }: { message: Message; withStation: boolean }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const bad = message.kind === "unreadable" || message.answer_kind === "call_error" || message.kind === "call_error";
  return (
    <Box className={classes.exchange} data-direction={message.direction} data-bad={bad || undefined} data-message={message.action ?? message.kind}>
      {withStation && <Anchor component={Link} size="sm" to={`/stations/${encodeURIComponent(message.station_id)}/messages`}>{message.station_id}</Anchor>}
      <UnstyledButton w="100%" onClick={() => setOpened(!opened)} aria-expanded={opened}>
        <Group gap="xs" wrap="nowrap">
          <Text size="sm" aria-hidden>{message.direction === "in" ? "→" : "←"}</Text>
          <Text size="sm" fw={600}>{message.action ?? t(`message.kind.${message.kind}`, { defaultValue: message.kind })}</Text>
          <Text size="xs" c="dimmed" truncate flex={1} className="mono">{message.frame}</Text>
          {message.error_code && <Badge color="red">{message.error_code}</Badge>}
          {message.latency_us !== null && message.latency_us !== undefined && <Text size="xs" c="dimmed" className="tabular">{formatLatency(message.latency_us)}</Text>}
          <Text size="xs" c="dimmed"><When at={message.at} /></Text>
        </Group>
      </UnstyledButton>
      <Collapse expanded={opened}>
        <Stack gap={4} mt={6}>
          <Text size="xs" c="dimmed">{message.direction === "in" ? t("message.fromStation") : t("message.fromUs")}</Text>
          <Json value={message.frame} />
          {message.answer && (
            <>
              <Text size="xs" c="dimmed">{message.direction === "in" ? t("message.ourAnswer") : t("message.stationsAnswer")}</Text>
              <Json value={message.answer} />
            </>
          )}
        </Stack>
      </Collapse>
    </Box>
  );
}

function formatLatency(us: number): string {
  return us >= 1_000_000 ? `${(us / 1_000_000).toFixed(2)} s` : us >= 1000 ? `${(us / 1000).toFixed(1)} ms` : `${us} µs`;
}
