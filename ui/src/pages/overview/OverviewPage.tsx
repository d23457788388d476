import { Anchor, Box, Button, Card, Code, Grid, List, SegmentedControl, SimpleGrid, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useIntersection } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { Await, Empty } from "../../components/Feedback";
import { LineChart } from "../../components/LineChart";
import { Page } from "../../components/Page";
import { useFilters } from "../../lib/filters";
import { formatCount, formatEnergy, formatPower } from "../../lib/units";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { Busiest } from "./Busiest";
import { LastHour } from "./LastHour";
import { StandingAlerts } from "./StandingAlerts";
import { StationStates } from "./StationStates";

type Overview = Schemas["OverviewView"];

const StationMap = lazy(() => import("../../components/StationMap"));
const DAY = "24";
const WEEK = "168";
/** Sums need not be younger than this, however many events come. */
const REFRESH_MS = 5_000;
const MINUTE_MS = 60_000;
const MAP_PX = 340;

/** What happens now: stations by state, power, energy and sessions over time, the map, and what changed. */
export default function OverviewPage() {
  const { t } = useTranslation();
  const [filters, set] = useFilters(["hours"] as const);
  const hours = filters.hours === WEEK ? WEEK : DAY;
  const overview = useQuery({
    queryKey: ["overview", "sums", hours],
    queryFn: () => ask(api.GET("/api/v1/overview", { params: { query: { hours: Number(hours) } } })),
    placeholderData: (previous) => previous,
    refetchInterval: MINUTE_MS,
  });
  useLiveRefresh(["station.", "connector.", "transaction."], [["overview"]], undefined, REFRESH_MS);
  const period = (
    <SegmentedControl size="xs" aria-label={t("overview.period")} value={hours} onChange={(value) => set("hours", value === DAY ? null : value)}
      data={[{ value: DAY, label: t("overview.day") }, { value: WEEK, label: t("overview.week") }]} />
  );
  return (
    <Page title={t("nav.overview")} lead={t("overview.lead")} actions={period}>
      <Await query={overview}>{(sums) => (total(sums.stations) === 0 ? <Welcome /> : <Sums sums={sums} hours={hours} />)}</Await>
    </Page>
  );
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function Sums({ sums, hours }: { sums: Overview; hours: string }) {
  const { t } = useTranslation();
  const { may } = useSession();
  return (
    <Stack>
      <Numbers sums={sums} hours={hours} />
      {may("alerts:read") && <StandingAlerts />}
      <StationStates stations={sums.stations} connectors={sums.connectors} />
      <Grid>
        <Grid.Col span={{ base: 12, lg: 8 }}><Hours sums={sums} /></Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}><Busiest sites={sums.busiest_sites} stations={sums.busiest_stations} /></Grid.Col>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Card h="100%">
            <Title order={2} size="h5" mb="xs">{t("map.title")}</Title>
            <Places />
          </Card>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}><LastHour /></Grid.Col>
      </Grid>
    </Stack>
  );
}

function Numbers({ sums, hours }: { sums: Overview; hours: string }) {
  const { t, i18n } = useTranslation();
  const { may } = useSession();
  const door = useQuery({ queryKey: ["overview", "door"], queryFn: () => ask(api.GET("/api/v1/refused-handshakes", { params: { query: { limit: 100 } } })), enabled: may("stations:read") });
  const away = (sums.stations.offline ?? 0) + (sums.stations.new ?? 0);
  const some = sums.power_known_of < sums.transactions_open ? t("overview.powerOf", { known: sums.power_known_of, count: sums.transactions_open }) : undefined;
  const count = (value: number) => formatCount(value, i18n.language);
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
      <Figure name={t("overview.online")} to="/stations?connected=true" hint={t("overview.ofAll", { count: total(sums.stations) })}>{count(total(sums.stations) - away)}</Figure>
      <Figure name={t("overview.offline")} to="/stations?connected=false" hint={sums.stations.new ? t("overview.never", { count: sums.stations.new }) : undefined}>{count(away)}</Figure>
      <Figure name={t("overview.charging")} to="/transactions?state=open">{count(sums.transactions_open)}</Figure>
      <Figure name={t("overview.power")} hint={sums.power_w === null ? t("overview.notYet") : some}>{formatPower(sums.power_w, i18n.language)}</Figure>
      <Figure name={hours === DAY ? t("overview.energyDay") : t("overview.energyWeek")} hint={t("overview.sessionCount", { count: sums.transactions_started })}>{formatEnergy(sums.energy_wh, i18n.language)}</Figure>
      <Figure name={t("overview.atDoor")} to="/door">{door.data ? `${count(door.data.items.length)}${door.data.next_cursor ? "+" : ""}` : "–"}</Figure>
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

function Hours({ sums }: { sums: Overview }) {
  const { t } = useTranslation();
  const { times, curves } = useMemo(
    () => ({
      times: sums.hours.map((hour) => new Date(hour.at).getTime() / 1000),
      curves: [
        { label: t("transaction.energy"), unit: "kWh", values: sums.hours.map((hour) => hour.energy_wh / 1000), stepped: true, fromZero: true },
        { label: t("overview.sessions"), unit: t("overview.perHour"), values: sums.hours.map((hour) => hour.started), stepped: true, dashed: true, fromZero: true },
      ],
    }),
    [sums.hours, t],
  );
  return (
    <Card h="100%">
      <Title order={2} size="h5">{t("overview.energyOverTime")}</Title>
      <LineChart times={times} curves={curves} label={t("overview.energyOverTime")} height={310} />
    </Card>
  );
}

/** The map is fetched when it comes into sight, and by nobody who never scrolls there. */
function Places() {
  const { t } = useTranslation();
  const { ref, entry } = useIntersection();
  const places = useQuery({ queryKey: ["overview", "places"], queryFn: () => ask(api.GET("/api/v1/station-places")), enabled: entry?.isIntersecting ?? false });
  const about = useQuery({ queryKey: ["about"], queryFn: () => ask(api.GET("/api/v1/about")), staleTime: Infinity });
  const rows = places.data?.items;
  return (
    <Box ref={ref} mih={MAP_PX}>
      {rows?.length === 0 && <Empty title={t("map.none.title")}>{t("map.none.text")}</Empty>}
      {places.error && <Await query={places}>{() => null}</Await>}
      {rows && rows.length > 0 && about.data && (
        <Suspense fallback={<Skeleton h={MAP_PX} />}><StationMap places={rows} tiles={about.data.map} height={MAP_PX} /></Suspense>
      )}
    </Box>
  );
}

/** The first steps, for whoever has no station yet. */
function Welcome() {
  const { t } = useTranslation();
  const { may } = useSession();
  const about = useQuery({ queryKey: ["about"], queryFn: () => ask(api.GET("/api/v1/about")), staleTime: Infinity });
  const url = about.data?.station_urls.wss ?? about.data?.station_urls.ws;
  return (
    <Empty title={t("overview.welcome.title")} action={may("stations:write") && <Button component={Link} to="/stations">{t("overview.welcome.do")}</Button>}>
      {t("overview.welcome.text")}
      <List type="ordered" ta="left" mt="md" spacing="xs">
        <List.Item>{t("overview.welcome.first")}</List.Item>
        <List.Item>{t("overview.welcome.second")} {url && <Code>{`${url}/…`}</Code>}</List.Item>
        <List.Item>{t("overview.welcome.third")} <Anchor component={Link} to="/door" underline="always">{t("nav.door")}</Anchor></List.Item>
      </List>
    </Empty>
  );
}
