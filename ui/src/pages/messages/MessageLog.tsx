import { Anchor, Badge, Box, Button, Collapse, Group, Stack, Switch, Text, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { EmptyList } from "../../components/EmptyList";
import { Failure, Loading } from "../../components/Feedback";
import { FilterBar } from "../../components/FilterBar";
import { Json } from "../../components/Json";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useNow } from "../../lib/now";
import { bodyOf, formatLatency, isBad, paired } from "./frames";
import classes from "./MessageLog.module.css";

type Message = Schemas["MessageView"];
const TAIL_MS = 1_500;
const KINDS = ["call", "call_result", "call_error", "unreadable", "ignored", "binary"];

/** The message log as a conversation: request and answer paired, who spoke on which side, the raw frames one click away. */
export function MessageLog({ stationId, since, until }: { stationId?: string; since?: string; until?: string }) {
  const { t } = useTranslation();
  const [tail, setTail] = useState(false);
  const [filters, setFilter] = useFilters(["station_id", "direction", "kind", "action", "search", "error_code", "since", "until"] as const);
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
          texts={[...(stationId ? [] : [{ name: "station_id" as const, label: t("station.id") }]), { name: "action", label: t("message.action") }, { name: "error_code", label: t("message.errorCode") }]}
          choices={[
            { name: "direction", label: t("message.direction"), options: [{ value: "in", label: t("message.in") }, { value: "out", label: t("message.out") }] },
            { name: "kind", label: t("message.kindOf"), options: KINDS.map((value) => ({ value, label: t(`message.kind.${value}`) })) },
          ]}
          times={since ? [] : [{ name: "since", label: t("filter.since") }, { name: "until", label: t("filter.until") }]}
          csv="/api/v1/messages"
        />
        <Switch label={t("message.tail")} checked={tail} onChange={(event) => setTail(event.currentTarget.checked)} />
      </Group>
      {list.error ? <Failure error={list.error} retry={list.refetch} /> : list.loading ? <Loading /> : list.rows.length === 0 ? (
        <EmptyList filters={filters} title={t("message.none.title")}>{t("message.none.text")}</EmptyList>
      ) : (
        <>
          <Stack gap="xs" role="log" aria-label={t("nav.messages")} aria-live={tail ? "polite" : "off"}>
            {paired(list.rows).map((message) => <Exchange key={message.id} message={message} withStation={stationId === undefined} />)}
          </Stack>
          {list.more && <Button variant="default" onClick={list.loadMore}>{t("action.more")}</Button>}
        </>
      )}
    </Stack>
  );
}

/** One question with its answer; the station speaks on the left, we on the right. */
function Exchange({ message, withStation }: { message: Message; withStation: boolean }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const incoming = message.direction === "in";
  return (
    <Box className={classes.exchange} data-direction={message.direction} data-bad={isBad(message) || undefined} data-message={message.action ?? message.kind}>
      <Group gap="xs" justify="space-between" mb={2}>
        <Group gap="xs">
          <Text size="sm" fw={600}>{message.action ?? t(`message.kind.${message.kind}`, { defaultValue: message.kind })}</Text>
          {withStation && <Anchor component={Link} size="sm" to={`/stations/${encodeURIComponent(message.station_id)}/messages`}>{message.station_id}</Anchor>}
          {message.error_code && <Badge color="red">{message.error_code}</Badge>}
        </Group>
        <Group gap="xs">
          {message.latency_us !== null && message.latency_us !== undefined && <Text size="xs" c="dimmed" className="tabular" title={t("message.latency")}>{formatLatency(message.latency_us)}</Text>}
          <Text size="xs" c="dimmed"><When at={message.at} /></Text>
        </Group>
      </Group>
      <UnstyledButton w="100%" onClick={() => setOpened(!opened)} aria-expanded={opened}>
        <Box className={classes.said} data-side={incoming ? "station" : "us"}>
          <Text size="xs" c="dimmed" component="span">{incoming ? t("message.station") : t("message.us")}</Text>
          <Text span size="xs" className="mono" truncate={!opened}>{opened ? "" : bodyOf(message.frame)}</Text>
        </Box>
        {(message.answer ?? message.kind === "call") && !opened && <Answered message={message} />}
      </UnstyledButton>
      <Collapse expanded={opened}>
        {opened && (
          <Stack gap={4} mt={6}>
            <Text size="xs" c="dimmed">{incoming ? t("message.fromStation") : t("message.fromUs")}</Text>
            <Json value={message.frame} />
            {message.answer && (
              <>
                <Text size="xs" c="dimmed">{incoming ? t("message.ourAnswer") : t("message.stationsAnswer")}</Text>
                <Json value={message.answer} />
              </>
            )}
          </Stack>
        )}
      </Collapse>
    </Box>
  );
}

const PATIENCE_MS = 60_000;

function Answered({ message }: { message: Message }) {
  const { t } = useTranslation();
  const now = useNow(message.answer ? null : 5_000);
  const side = message.direction === "in" ? "us" : "station";
  const waited = now - new Date(message.at).getTime() > PATIENCE_MS;
  return (
    <Box className={classes.said} data-side={side}>
      <Text size="xs" c="dimmed" component="span">{t(`message.${side}`)}</Text>
      {message.answer ? <Text span size="xs" className="mono" truncate>{bodyOf(message.answer)}</Text> : <Text span size="xs" fs="italic">{waited ? t("message.unanswered") : t("message.awaited")}</Text>}
    </Box>
  );
}
