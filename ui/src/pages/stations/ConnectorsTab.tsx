import { Card, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { Facts } from "../../components/DataTable";
import { Await, Empty } from "../../components/Feedback";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { formatDuration } from "../../lib/time";
import { useNow } from "../../lib/now";
import { formatEnergy, formatPower } from "../../lib/units";
import { useEvents } from "../../live/events";
import { useLiveRefresh } from "../../live/refresh";
import type { Station } from "./StationPage";

type Connector = Schemas["ConnectorView"];
type Transaction = Schemas["TransactionView"];

interface Live {
  power_w?: number;
  energy_wh?: number;
  soc_percent?: number;
}

/** The connectors as they are now: status, who charges, power and energy from the newest samples. */
export function ConnectorsTab({ station }: { station: Station }) {
  const { t } = useTranslation();
  const path = { station_id: station.id };
  const connectors = useQuery({ queryKey: ["connectors", station.id], queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/connectors", { params: { path } })) });
  const open = useQuery({
    queryKey: ["transactions", "open", station.id],
    queryFn: () => ask(api.GET("/api/v1/transactions", { params: { query: { station_id: station.id, state: "open", limit: 100 } } })),
  });
  const [live, setLive] = useState<Record<number, Live>>({});
  const mine = (event: { station_id?: string | null }) => event.station_id === station.id;
  useLiveRefresh(["connector.", "transaction.", "station."], [["connectors", station.id], ["transactions", "open", station.id]], mine);
  useEvents(["meter.sampled"], (event) => {
    if (!mine(event)) return;
    const evse = Number(event.data.connector_id ?? event.data.evse_id ?? 0);
    setLive((old) => ({ ...old, [evse]: { ...old[evse], ...readings(event.data.samples) } }));
  });
  return (
    <Await query={connectors}>
      {(page) =>
        page.items.length === 0 ? (
          <Empty title={t("connector.none.title")}>{t("connector.none.text")}</Empty>
        ) : (
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
            {page.items.map((connector) => (
              <ConnectorCard
                key={connector.evse_id ?? 0}
                connector={connector}
                transaction={open.data?.items.find((item) => item.evse_id === connector.evse_id && connector.evse_id !== null)}
                live={live[connector.evse_id ?? 0]}
              />
            ))}
          </SimpleGrid>
        )
      }
    </Await>
  );
}

function readings(samples: unknown): Live {
  const found: Live = {};
  if (!Array.isArray(samples)) return found;
  for (const sample of samples as Schemas["SampleView"][]) {
    if (sample.value === null || sample.value === undefined || sample.phase) continue;
    if (sample.measurand === "Power.Active.Import") found.power_w = sample.value;
    if (sample.measurand === "Energy.Active.Import.Register" || sample.measurand === undefined) found.energy_wh = sample.value;
    if (sample.measurand === "SoC") found.soc_percent = sample.value;
  }
  return found;
}

function ConnectorCard({ connector, transaction, live }: { connector: Connector; transaction: Transaction | undefined; live: Live | undefined }) {
  const { t, i18n } = useTranslation();
  const now = useNow(transaction ? 1000 : null);
  const register = live?.energy_wh ?? transaction?.last_meter_wh ?? undefined;
  const energy = transaction && register !== undefined && transaction.meter_start_wh !== null && transaction.meter_start_wh !== undefined ? register - transaction.meter_start_wh : undefined;
  const number = connector.evse_id;
  return (
    <Card data-connector={number ?? 0}>
      <Stack gap="xs">
        <Group justify="space-between">
          <Title order={2} size="h4">{number === null ? t("connector.station") : t("connector.number", { number })}</Title>
          <StateBadge state={connector.status} />
        </Group>
        {connector.error_code && connector.error_code !== "NoError" && <Text c="red" size="sm">{connector.error_code} {connector.vendor_error_code} {connector.info}</Text>}
        {transaction && (
          <Facts
            rows={[
              [t("transaction.one"), <Link key="t" to={`/transactions/${transaction.id}`}>{String(transaction.transaction_id)}</Link>],
              [t("transaction.idTag"), transaction.id_tag],
              [t("transaction.energy"), formatEnergy(energy, i18n.language)],
              [t("transaction.power"), formatPower(live?.power_w, i18n.language)],
              ...(live?.soc_percent !== undefined ? ([[t("transaction.soc"), `${live.soc_percent} %`]] as const) : []),
              [t("transaction.duration"), transaction.started_at ? formatDuration((now - new Date(transaction.started_at).getTime()) / 1000) : "–"],
            ]}
          />
        )}
        {connector.desired_operative === false && <Text size="sm">{t("connector.inoperative", { status: connector.availability_status ?? "" })}</Text>}
        <Text size="xs" c="dimmed">{t("connector.reported")}: <When at={connector.reported_at} ago /></Text>
      </Stack>
    </Card>
  );
}
