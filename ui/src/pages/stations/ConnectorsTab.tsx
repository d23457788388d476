import { Alert, Anchor, Button, Card, Group, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, post, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { useConfirm } from "../../components/confirm";
import { Facts } from "../../components/DataTable";
import { Await, Empty, useProblemText } from "../../components/Feedback";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useNow } from "../../lib/now";
import { formatDuration } from "../../lib/time";
import { formatCurrent, formatEnergy, formatPower } from "../../lib/units";
import { useEvents } from "../../live/events";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { newestOf, type Reading, readingOf } from "./readings";
import { StartCharging } from "./StartCharging";
import type { Station } from "./StationPage";

type Connector = Schemas["ConnectorView"];
type Transaction = Schemas["TransactionView"];

/** The connectors as they are now: status, who charges, power and energy from the newest samples, and what one does with them. */
export function ConnectorsTab({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const path = { station_id: station.id };
  const connectors = useQuery({ queryKey: ["connectors", station.id], queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/connectors", { params: { path } })) });
  const open = useQuery({
    queryKey: ["transactions", "open", station.id],
    queryFn: () => ask(api.GET("/api/v1/transactions", { params: { query: { station_id: station.id, state: "open", limit: 100 } } })),
    enabled: may("transactions:read"),
  });
  const [live, setLive] = useState<Record<number, Reading>>({});
  const mine = (event: { station_id?: string | null }) => event.station_id === station.id;
  useLiveRefresh(["connector.", "transaction.", "station."], [["connectors", station.id], ["transactions", "open", station.id]], mine);
  useEvents(["meter.sampled"], (event) => {
    if (!mine(event)) return;
    const evse = Number(event.data.evse_id ?? event.data.connector_id ?? 0);
    setLive((old) => ({ ...old, [evse]: { ...old[evse], ...readingOf(event.data.samples) } }));
  });
  return (
    <Await query={connectors}>
      {(page) =>
        page.items.length === 0 ? (
          <Empty title={t("connector.none.title")}>{t("connector.none.text")}</Empty>
        ) : (
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
            {page.items.map((connector) => {
              const evse = connector.evse_id ?? 0;
              return (
                <ConnectorCard
                  key={evse}
                  station={station}
                  connector={connector}
                  transaction={open.data?.items.find((item) => item.evse_id === connector.evse_id && connector.evse_id !== null)}
                  live={live[evse]}
                />
              );
            })}
          </SimpleGrid>
        )
      }
    </Await>
  );
}

const RECENT_MS = 900_000;

/** What was measured before this page was opened. */
async function latestOf(transaction: Transaction): Promise<Reading> {
  const since = new Date(Date.now() - RECENT_MS).toISOString();
  const page = await ask(api.GET("/api/v1/transactions/{id}/meter-values", { params: { path: { id: transaction.id }, query: { since, limit: 500 } } }));
  return newestOf(page.items)[transaction.evse_id ?? 0] ?? {};
}

interface CardProps {
  station: Station;
  connector: Connector;
  transaction: Transaction | undefined;
  live: Reading | undefined;
}

function ConnectorCard({ station, connector, transaction, live }: CardProps) {
  const { t, i18n } = useTranslation();
  const latest = useQuery({ queryKey: ["latest-values", transaction?.id], queryFn: () => (transaction ? latestOf(transaction) : {}), enabled: transaction !== undefined, staleTime: Infinity, gcTime: 0 });
  const reading: Reading = { ...latest.data, ...live };
  const now = useNow(transaction ? 1000 : null);
  const register = reading.energy_wh ?? transaction?.last_meter_wh ?? undefined;
  const energy = transaction && register !== undefined && transaction.meter_start_wh !== null && transaction.meter_start_wh !== undefined ? register - transaction.meter_start_wh : undefined;
  const number = connector.evse_id;
  const current = Object.entries(reading.current_a ?? {}).map(([phase, ampere]) => `${phase ? `${phase} ` : ""}${formatCurrent(ampere, i18n.language)}`).join(" · ");
  return (
    <Card data-connector={number ?? 0}>
      <Stack gap="xs">
        <Group justify="space-between">
          <Title order={2} size="h4">{number === null ? t("connector.station") : t("connector.number", { number })}</Title>
          <StateBadge state={connector.status} />
        </Group>
        {connector.error_code && connector.error_code !== "NoError" && <Text c="red" size="sm" className="wrap-anywhere">{[connector.error_code, connector.vendor_error_code, connector.info].filter(Boolean).join(" · ")}</Text>}
        {transaction && (
          <>
            <Group justify="space-between" align="baseline">
              <Text fw={700} size="xl" className="tabular" data-power>{formatPower(reading.power_w, i18n.language)}</Text>
              <Text fw={600} className="tabular" data-energy>{formatEnergy(energy, i18n.language)}</Text>
            </Group>
            {reading.soc_percent !== undefined && <Progress value={reading.soc_percent} aria-label={t("transaction.soc")} />}
            <Facts
              rows={[
                [t("transaction.one"), <Anchor key="t" component={Link} to={`/transactions/${transaction.id}`}>{String(transaction.transaction_id)}</Anchor>],
                [t("transaction.idTag"), transaction.id_tag],
                [t("chart.current"), current || "–"],
                ...(reading.soc_percent !== undefined ? ([[t("transaction.soc"), `${reading.soc_percent} %`]] as const) : []),
                [t("transaction.duration"), transaction.started_at ? formatDuration((now - new Date(transaction.started_at).getTime()) / 1000) : "–"],
              ]}
            />
          </>
        )}
        {connector.desired_operative === false && <Text size="sm">{t("connector.inoperative", { status: connector.availability_status ?? "" })}</Text>}
        <ConnectorActions station={station} connector={connector} transaction={transaction} />
        <Text size="xs" c="dimmed">{t("connector.reported")}: <When at={connector.reported_at} ago /></Text>
      </Stack>
    </Card>
  );
}

/** What is asked most often, without a form; everything else is under "Commands". */
function ConnectorActions({ station, connector, transaction }: Omit<CardProps, "live">) {
  const { t } = useTranslation();
  const { may } = useSession();
  const confirm = useConfirm();
  const problemText = useProblemText();
  const [starting, setStarting] = useState(false);
  const send = useMutation({ mutationFn: ({ action, payload }: { action: string; payload: object }) => post<Schemas["JobView"]>(`/api/v1/stations/${encodeURIComponent(station.id)}/commands/${action}`, payload) });
  const number = connector.connector_id;
  if (!may("commands:send") || number === null || number === undefined || number === 0) return null;
  const sure = (action: string, payload: object, key: "stop" | "unlock") =>
    confirm({ title: t(`connector.${key}.title`, { number }), text: t(`connector.${key}.text`), confirm: t(`connector.${key}.do`), act: async () => send.mutate({ action, payload }) });
  return (
    <>
      <Group gap="xs">
        {transaction ? (
          <Button size="xs" variant="light" color="red" disabled={!station.connected} onClick={() => sure("RemoteStopTransaction", { transactionId: transaction.transaction_id }, "stop")}>{t("connector.stop.do")}</Button>
        ) : (
          <Button size="xs" variant="light" disabled={!station.connected} onClick={() => setStarting(true)}>{t("connector.start.do")}</Button>
        )}
        <Button size="xs" variant="default" disabled={!station.connected} onClick={() => sure("UnlockConnector", { connectorId: number }, "unlock")}>{t("connector.unlock.do")}</Button>
      </Group>
      {send.error && <Alert color="red" role="alert" p="xs">{problemText(send.error)}</Alert>}
      {send.data && <CommandResult job={send.data} />}
      {starting && <StartCharging connector={number} onClose={() => setStarting(false)} onStart={(idTag) => { setStarting(false); send.mutate({ action: "RemoteStartTransaction", payload: { connectorId: number, idTag } }); }} />}
    </>
  );
}
