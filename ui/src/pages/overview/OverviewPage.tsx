import { Anchor, Button, Card, Grid, Group, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { Await, Empty } from "../../components/Feedback";
import { LineChart } from "../../components/LineChart";
import { Page } from "../../components/Page";
import { When } from "../../components/When";
import { everything } from "../../lib/list";
import { useNow } from "../../lib/now";
import { formatCount, formatEnergy, formatPower } from "../../lib/units";
import { useEvents } from "../../live/events";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { energyOf } from "../transactions/energy";
import { hoursOf } from "./hours";

type Transaction = Schemas["TransactionView"];
const DAY_MS = 86_400_000;
const LISTED = 8;

const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

/** What happens now: stations, power, energy, the door, and what changed. */
export default function OverviewPage() {
  const { t } = useTranslation();
  const { may } = useSession();
  const stations = useQuery({ queryKey: ["overview", "stations"], queryFn: () => everything((cursor) => ask(api.GET("/api/v1/stations", { params: { query: { limit: 1000, cursor } } }))) });
  const transactions = useQuery({
    queryKey: ["overview", "transactions"],
    queryFn: async () => {
      const open = await everything((cursor) => ask(api.GET("/api/v1/transactions", { params: { query: { state: "open", limit: 1000, cursor } } })));
      const past = await everything((cursor) => ask(api.GET("/api/v1/transactions", { params: { query: { since: ago(DAY_MS), limit: 1000, cursor } } })));
      const known = new Set(open.map((row) => row.id));
      return { open, all: [...open, ...past.filter((row) => !known.has(row.id))] };
    },
    enabled: may("transactions:read"),
  });
  useLiveRefresh(["station.", "transaction."], [["overview"]]);
  return (
    <Page title={t("nav.overview")} lead={t("overview.lead")}>
      <Await query={stations}>
        {(list) =>
          list.length === 0 ? (
            <Empty title={t("overview.welcome.title")} action={<Button component={Link} to="/stations">{t("nav.stations")}</Button>}>{t("overview.welcome.text")}</Empty>
          ) : (
            <Stack>
              <Numbers online={list.filter((station) => station.connected).length} total={list.length} transactions={transactions.data} />
              <Grid>
                <Grid.Col span={{ base: 12, lg: 8 }}>{transactions.data && <Day rows={transactions.data.all} />}</Grid.Col>
                <Grid.Col span={{ base: 12, lg: 4 }}>{transactions.data && <Busiest rows={transactions.data.all} />}</Grid.Col>
              </Grid>
              <LastHour />
            </Stack>
          )
        }
      </Await>
    </Page>
  );
}

function Numbers({ online, total, transactions }: { online: number; total: number; transactions: { open: Transaction[]; all: Transaction[] } | undefined }) {
  const { t, i18n } = useTranslation();
  const power = usePower();
  const door = useQuery({ queryKey: ["overview", "door"], queryFn: () => ask(api.GET("/api/v1/refused-handshakes", { params: { query: { limit: 100 } } })) });
  const energy = transactions?.all.reduce((sum, row) => sum + Math.max(0, energyOf(row) ?? 0), 0);
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
      <Figure name={t("overview.online")} to="/stations?connected=true">{formatCount(online, i18n.language)}</Figure>
      <Figure name={t("overview.offline")} to="/stations?connected=false">{formatCount(total - online, i18n.language)}</Figure>
      <Figure name={t("overview.charging")} to="/transactions?state=open">{transactions ? formatCount(transactions.open.length, i18n.language) : "–"}</Figure>
      <Figure name={t("overview.power")} hint={power === null ? t("overview.notYet") : undefined}>{power === null ? "–" : formatPower(power, i18n.language)}</Figure>
      <Figure name={t("overview.energyToday")}>{formatEnergy(energy, i18n.language)}</Figure>
      <Figure name={t("overview.atDoor")} to="/door">{door.data ? `${door.data.items.length}${door.data.next_cursor ? "+" : ""}` : "–"}</Figure>
    </SimpleGrid>
  );
}

function Figure({ name, to, hint, children }: { name: string; to?: string; hint?: string; children: ReactNode }) {
  return (
    <Card>
      <Text size="sm" c="dimmed">{to ? <Anchor component={Link} to={to} inherit>{name}</Anchor> : name}</Text>
      <Text fz={22} fw={600} className="tabular" style={{ whiteSpace: "nowrap" }}>{children}</Text>
      {hint && <Text size="xs" c="dimmed">{hint}</Text>}
    </Card>
  );
}

/** The newest power of each connector, added up; null until the first sample has come. */
function usePower(): number | null {
  const [power, setPower] = useState<ReadonlyMap<string, number>>(new Map());
  useEvents(["meter.sampled", "transaction.ended"], (event) => {
    const key = `${event.station_id}|${String(event.data.evse_id ?? event.data.connector_id ?? 0)}`;
    const samples = Array.isArray(event.data.samples) ? (event.data.samples as Schemas["SampleView"][]) : [];
    const sample = samples.find((each) => each.measurand === "Power.Active.Import" && !each.phase && each.value !== null);
    if (event.type === "transaction.ended") setPower((old) => new Map(old).set(key, 0));
    else if (sample?.value !== undefined && sample.value !== null) setPower((old) => new Map(old).set(key, sample.value ?? 0));
  });
  return power.size === 0 ? null : [...power.values()].reduce((sum, watts) => sum + watts, 0);
}

function Day({ rows }: { rows: Transaction[] }) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  const { times, energy_kwh, started } = useMemo(() => hoursOf(rows.map((row) => ({ started_at: row.started_at, stopped_at: row.stopped_at, energy_wh: energyOf(row) })), now), [rows, now]);
  const curves = useMemo(
    () => [
      { label: t("transaction.energy"), unit: "kWh", values: energy_kwh, stepped: true },
      { label: t("overview.sessions"), unit: "#", values: started, stepped: true, dashed: true },
    ],
    [t, energy_kwh, started],
  );
  return (
    <Card>
      <Title order={2} size="h5">{t("overview.energyOverTime")}</Title>
      <LineChart times={times} curves={curves} label={t("overview.energyOverTime")} height={220} />
    </Card>
  );
}

function Busiest({ rows }: { rows: Transaction[] }) {
  const { t, i18n } = useTranslation();
  const sums = new Map<string, number>();
  for (const row of rows) sums.set(row.station_id, (sums.get(row.station_id) ?? 0) + Math.max(0, energyOf(row) ?? 0));
  const busiest = [...sums].sort((a, b) => b[1] - a[1]).slice(0, LISTED);
  return (
    <Card>
      <Title order={2} size="h5" mb="xs">{t("overview.busiest")}</Title>
      {busiest.length === 0 ? <Text c="dimmed" size="sm">{t("transaction.none.title")}</Text> : (
        <Table><Table.Tbody>
          {busiest.map(([station, energy]) => (
            <Table.Tr key={station}>
              <Table.Td><Anchor component={Link} to={`/stations/${encodeURIComponent(station)}`} size="sm" className="wrap-anywhere">{station}</Anchor></Table.Td>
              <Table.Td ta="right" className="tabular">{formatEnergy(energy, i18n.language)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody></Table>
      )}
    </Card>
  );
}

const TOLD = ["station.booted", "station.connected", "station.disconnected", "station.refused", "transaction.started", "transaction.ended", "security.event"];

function LastHour() {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: ["overview", "events"],
    queryFn: () => ask(api.GET("/api/v1/past-events", { params: { query: { since: ago(DAY_MS / 24), type: TOLD, limit: 20 } } })),
  });
  return (
    <Card>
      <Title order={2} size="h5" mb="xs">{t("overview.lastHour")}</Title>
      <Await query={query}>
        {(page) => page.items.length === 0 ? <Text c="dimmed" size="sm">{t("overview.quiet")}</Text> : (
          <Stack gap={6}>
            {page.items.map((event) => (
              <Group key={event.id} gap="xs" wrap="nowrap">
                <Text size="sm" c="dimmed" w="8rem" style={{ flexShrink: 0 }}><When at={event.at} ago /></Text>
                <Text size="sm" truncate>
                  {event.station_id && <Anchor component={Link} to={`/stations/${encodeURIComponent(event.station_id)}`} inherit>{event.station_id}</Anchor>}{" "}
                  {t(`event.${event.type.replace(".", "_")}`, { defaultValue: event.type })}
                </Text>
              </Group>
            ))}
          </Stack>
        )}
      </Await>
    </Card>
  );
}
