import { Alert, Anchor, Button, Card, SimpleGrid, Stack, Tabs, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { Facts } from "../../components/DataTable";
import { Await, Empty } from "../../components/Feedback";
import { LineChart } from "../../components/LineChart";
import { Page } from "../../components/Page";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useNow } from "../../lib/now";
import { formatDuration } from "../../lib/time";
import { formatEnergy, formatReading } from "../../lib/units";
import type { LiveEvent } from "../../live/events";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { MessageLog } from "../messages/MessageLog";
import { EventList } from "../stations/EventList";
import { type ChartData, curvesOf } from "./curves";
import { energyOf } from "./energy";
import { windowOf } from "./window";

type Transaction = Schemas["TransactionView"];
type MeterSet = Schemas["MeterValueSetView"];
const PAGE = 1000;
const MOST_SETS = 50_000;
const LIVE_MS = 1_000;
const TYPES = [
  "transaction.started", "transaction.ended", "transaction.tidied", "connector.status", "connector.availability_requested", "token.unknown_seen", "reservation.changed", "charging_profiles.changed", "job.changed",
  "station.connected", "station.disconnected", "station.booted",
];

async function allMeterValues(id: number): Promise<MeterSet[]> {
  const sets: MeterSet[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(api.GET("/api/v1/transactions/{id}/meter-values", { params: { path: { id }, query: { limit: PAGE, cursor } } }));
    sets.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && sets.length < MOST_SETS);
  return sets;
}

async function chartsOf(id: number, evseId: number | null): Promise<ChartData[]> {
  const sets = await allMeterValues(id);
  const started = performance.now();
  const charts = curvesOf(sets, evseId);
  // Read by the benchmark, as what LineChart tells.
  performance.measure("curves", { start: started, end: performance.now() });
  return charts;
}

export default function TransactionPage() {
  const { t } = useTranslation();
  const id = Number(useParams().transactionId);
  const query = useQuery({ queryKey: ["transaction", id], queryFn: () => ask(api.GET("/api/v1/transactions/{id}", { params: { path: { id } } })) });
  const station = query.data?.station_id;
  const mine = (event: LiveEvent) => event.station_id === station;
  useLiveRefresh(["transaction.", "meter.sampled"], [["transaction", id], ["meter-values", id]], mine, LIVE_MS);
  return (
    <Page
      title={t("transaction.title", { id: query.data?.transaction_id ?? "" })}
      crumbs={[{ label: t("nav.transactions"), to: "/transactions" }]}
      actions={query.data && <Close transaction={query.data} />}
    >
      <Await query={query}>{(transaction) => <Details transaction={transaction} />}</Await>
    </Page>
  );
}

/** For a transaction whose station will never tell of its end. */
function Close({ transaction }: { transaction: Transaction }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  if (transaction.state === "closed" || !may("transactions:write")) return null;
  const ask_first = () =>
    confirm({
      title: t("transaction.close.title", { id: transaction.transaction_id }),
      text: t("transaction.close.text"),
      confirm: t("transaction.close.do"),
      act: async () => {
        await ask(api.POST("/api/v1/transactions/{id}/close", { params: { path: { id: transaction.id } }, body: null }));
        await client.invalidateQueries({ queryKey: ["transaction", transaction.id] });
      },
    });
  return <Button variant="default" onClick={ask_first}>{t("transaction.close.do")}</Button>;
}

function Details({ transaction }: { transaction: Transaction }) {
  const { t, i18n } = useTranslation();
  const open = transaction.state === "open";
  const now = useNow(open ? 1000 : null);
  const times = useMemo(() => windowOf(transaction), [transaction]);
  const ended = transaction.stopped_at ? new Date(transaction.stopped_at).getTime() : open ? now : null;
  const duration = transaction.started_at && ended !== null ? formatDuration((ended - new Date(transaction.started_at).getTime()) / 1000) : "–";
  return (
    <Stack>
      {transaction.flags.map((flag) => <Alert key={flag} color="yellow" title={flag} data-flag={flag}>{t(`flag.${flag}`, { defaultValue: t("flag.other") })}</Alert>)}
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        <Figure label={t("transaction.state")}><StateBadge state={transaction.state} /></Figure>
        <Figure label={t("transaction.energy")}>{formatEnergy(energyOf(transaction), i18n.language)}</Figure>
        <Figure label={t("transaction.duration")}>{duration}</Figure>
        <Figure label={t("transaction.idTag")}>{transaction.id_tag ?? "–"}</Figure>
      </SimpleGrid>
      <Card>
        <Facts
          columns={2}
          rows={[
            [t("transaction.station"), <Anchor key="st" component={Link} to={`/stations/${encodeURIComponent(transaction.station_id)}`}>{transaction.station_id}</Anchor>],
            [t("transaction.connector"), transaction.connector_id],
            [t("token.parent"), transaction.parent_id_tag],
            [t("transaction.authorization"), <StateBadge key="a" state={transaction.authorization_status} />],
            [t("transaction.started"), <When key="b" at={transaction.started_at} raw={transaction.started_at_text} />],
            [t("transaction.stopped"), <When key="e" at={transaction.stopped_at} raw={transaction.stopped_at_text} />],
            [t("transaction.reason"), transaction.stop_reason],
            [t("transaction.stopIdTag"), transaction.stop_id_tag],
            [t("transaction.meterStart"), formatReading(transaction.meter_start_wh, i18n.language)],
            [t("transaction.meterStop"), formatReading(transaction.meter_stop_wh ?? (open ? transaction.last_meter_wh : null), i18n.language)],
            [t("transaction.energySource"), transaction.energy_source ? t(`energySource.${transaction.energy_source}`, { defaultValue: transaction.energy_source }) : null],
            [t("transaction.reservation"), transaction.reservation_id],
            [t("station.protocol"), transaction.protocol],
          ]}
        />
      </Card>
      <Curves id={transaction.id} evseId={transaction.evse_id} />
      <Tabs defaultValue="events" keepMounted={false}>
        <Tabs.List mb="md"><Tabs.Tab value="events">{t("transaction.events")}</Tabs.Tab><Tabs.Tab value="messages">{t("transaction.messages")}</Tabs.Tab></Tabs.List>
        <Tabs.Panel value="events"><EventList stationId={transaction.station_id} types={TYPES} {...times} matches={({ data }) => data.evse_id === undefined || data.evse_id === null || transaction.evse_id === null || data.evse_id === transaction.evse_id} /></Tabs.Panel>
        <Tabs.Panel value="messages"><MessageLog stationId={transaction.station_id} {...times} /></Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Figure({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <Card p="sm">
      <Text size="xs" c="dimmed">{label}</Text>
      <Text fw={600} size="lg" component="div" className="tabular wrap-anywhere">{children}</Text>
    </Card>
  );
}

function Curves({ id, evseId }: { id: number; evseId: number | null }) {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["meter-values", id], queryFn: () => chartsOf(id, evseId) });
  return (
    <Await query={query}>
      {(charts) =>
        charts.length === 0 ? (
          <Card><Empty title={t("transaction.noCurves.title")}>{t("transaction.noCurves.text")}</Empty></Card>
        ) : (
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            {charts.map((chart) => (
              <Card key={chart.key} data-chart={chart.key}>
                <Title order={2} size="h5">{t(`chart.${chart.key}`)}</Title>
                <LineChart times={chart.times} curves={chart.curves} label={t(`chart.${chart.key}`)} sync="transaction" height={180} />
              </Card>
            ))}
          </SimpleGrid>
        )
      }
    </Await>
  );
}
