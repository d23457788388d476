import { Alert, Anchor, Card, Grid, Stack, Tabs, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { Facts } from "../../components/DataTable";
import { Await, Empty } from "../../components/Feedback";
import { LineChart } from "../../components/LineChart";
import { Page } from "../../components/Page";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { formatEnergy, formatReading } from "../../lib/units";
import { useLiveRefresh } from "../../live/refresh";
import { MessageLog } from "../messages/MessageLog";
import { curvesOf } from "./curves";
import { energyOf } from "./TransactionTable";

type Transaction = Schemas["TransactionView"];
type MeterSet = Schemas["MeterValueSetView"];
const PAGE = 1000;

async function allMeterValues(id: number): Promise<MeterSet[]> {
  const sets: MeterSet[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(api.GET("/api/v1/transactions/{id}/meter-values", { params: { path: { id }, query: { limit: PAGE, cursor } } }));
    sets.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && sets.length < 50_000);
  return sets;
}

export default function TransactionPage() {
  const { t } = useTranslation();
  const id = Number(useParams().transactionId);
  const query = useQuery({ queryKey: ["transaction", id], queryFn: () => ask(api.GET("/api/v1/transactions/{id}", { params: { path: { id } } })) });
  const mine = (event: { station_id?: string | null }) => event.station_id === query.data?.station_id;
  useLiveRefresh(["transaction.", "meter.sampled"], [["transaction", id], ["meter-values", id]], mine);
  return (
    <Page title={t("transaction.title", { id: query.data?.transaction_id ?? "" })} crumbs={[{ label: t("nav.transactions"), to: "/transactions" }]}>
      <Await query={query}>{(transaction) => <Details transaction={transaction} />}</Await>
    </Page>
  );
}

function Details({ transaction }: { transaction: Transaction }) {
  const { t, i18n } = useTranslation();
  return (
    <Stack>
      {transaction.flags.map((flag) => <Alert key={flag} color="yellow" title={flag}>{t(`flag.${flag}`, { defaultValue: t("flag.other") })}</Alert>)}
      <Grid>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Card>
            <Facts
              rows={[
                [t("transaction.state"), <StateBadge key="s" state={transaction.state} />],
                [t("transaction.station"), <Anchor key="st" component={Link} to={`/stations/${encodeURIComponent(transaction.station_id)}`}>{transaction.station_id}</Anchor>],
                [t("transaction.connector"), transaction.connector_id],
                [t("transaction.idTag"), transaction.id_tag],
                [t("transaction.authorization"), <StateBadge key="a" state={transaction.authorization_status} />],
                [t("transaction.started"), <When key="b" at={transaction.started_at} raw={transaction.started_at_text} />],
                [t("transaction.stopped"), <When key="e" at={transaction.stopped_at} raw={transaction.stopped_at_text} />],
                [t("transaction.reason"), transaction.stop_reason],
                [t("transaction.meterStart"), formatReading(transaction.meter_start_wh, i18n.language)],
                [t("transaction.meterStop"), formatReading(transaction.meter_stop_wh, i18n.language)],
                [t("transaction.energy"), <strong key="w">{formatEnergy(energyOf(transaction), i18n.language)}</strong>],
                [t("transaction.energySource"), transaction.energy_source ? t(`energySource.${transaction.energy_source}`, { defaultValue: transaction.energy_source }) : null],
                [t("transaction.reservation"), transaction.reservation_id],
              ]}
            />
          </Card>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }}><Curves id={transaction.id} /></Grid.Col>
      </Grid>
      <Tabs defaultValue="messages" keepMounted={false}>
        <Tabs.List mb="md"><Tabs.Tab value="messages">{t("transaction.messages")}</Tabs.Tab></Tabs.List>
        <Tabs.Panel value="messages"><MessageLog stationId={transaction.station_id} since={transaction.start_received_at ?? undefined} until={transaction.stop_received_at ?? undefined} /></Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Curves({ id }: { id: number }) {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["meter-values", id], queryFn: () => allMeterValues(id) });
  const charts = useMemo(() => curvesOf(query.data ?? []), [query.data]);
  return (
    <Await query={query}>
      {() =>
        charts.length === 0 ? (
          <Empty title={t("transaction.noCurves.title")}>{t("transaction.noCurves.text")}</Empty>
        ) : (
          <Stack>
            {charts.map((chart) => (
              <Card key={chart.key}>
                <Title order={2} size="h5">{t(`chart.${chart.key}`)}</Title>
                <LineChart times={chart.times} curves={chart.curves} label={t(`chart.${chart.key}`)} sync="transaction" height={180} />
              </Card>
            ))}
          </Stack>
        )
      }
    </Await>
  );
}
