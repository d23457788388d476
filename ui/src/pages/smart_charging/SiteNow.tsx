import { Alert, Anchor, Badge, Box, Card, Group, Progress, SegmentedControl, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { Await, Empty } from "../../components/Feedback";
import { LineChart } from "../../components/LineChart";
import { When } from "../../components/When";
import { formatCurrent } from "../../lib/units";
import { curvesOfLoad, type Lane, LANE_NAMES, LANES, lanesOf } from "./limits";
import type { Site } from "./SitesPage";
import { decisionInWords } from "./words";

type Load = Schemas["SiteLoadView"];
type Decision = Schemas["DecisionView"];

const COLORS: Record<string, string> = { full: "teal", shared: "blue", demand: "teal", waiting: "yellow", paused: "orange", paused_while: "orange", standby: "gray", idle: "gray", not_managed: "gray", offline: "red", ignoring: "red", refusing: "red", overruled: "red" };

/** Who gets what now and why, against the limit; what is wrong; the curve of the day. */
export function SiteNow({ site }: { site: Site }) {
  const { t } = useTranslation();
  const path = { site_id: site.id };
  const load = useQuery({ queryKey: ["site", site.id, "load"], queryFn: () => ask(api.GET("/api/v1/sites/{site_id}/load", { params: { path } })), refetchInterval: 15_000 });
  return (
    <Await query={load}>
      {(now) => (
        <Stack>
          {!now.within_limit && <Alert color="red" icon={<IconAlertTriangle />} title={t("site.over")} />}
          <Alerts alerts={now.alerts} />
          {now.managed && <Lanes now={now} />}
          <Connectors now={now} />
          {now.managed && <Day siteId={site.id} />}
        </Stack>
      )}
    </Await>
  );
}

/** What needs a person: by kind, each with where and since when. */
function Alerts({ alerts }: { alerts: Load["alerts"] }) {
  const { t } = useTranslation();
  const kinds = [...new Set(alerts.map((each) => each.kind))];
  return kinds.map((kind) => {
    const rows = alerts.filter((each) => each.kind === kind);
    return (
      <Alert key={kind} color="orange" icon={<IconAlertTriangle />} title={`${t(`site.alert.${kind}`, { defaultValue: kind })} (${rows.length})`} data-alert={kind}>
        <Text size="sm">{t(`site.alertText.${kind}`, { defaultValue: rows[0]?.message })}</Text>
        <Group gap="md" mt={4}>
          {rows.filter((each) => each.station_id !== null).map((each) => (
            <Text key={`${each.station_id}|${each.connector_id}`} size="sm" component="span"><Anchor component={Link} to={`/stations/${encodeURIComponent(each.station_id ?? "")}`} inherit>{each.station_id}</Anchor>{each.connector_id !== null && ` · ${each.connector_id}`} <Text span size="xs" c="dimmed"><When at={each.since} ago /></Text></Text>
          ))}
        </Group>
      </Alert>
    );
  });
}

function Lanes({ now }: { now: Load }) {
  const { t, i18n } = useTranslation();
  const lanes = LANES.filter((lane) => now.limit !== null && now.limit.amperes[lane] !== null);
  const amperes = (value: number | null | undefined) => formatCurrent(value ?? 0, i18n.language);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: Math.max(1, lanes.length) }}>
      {lanes.map((lane) => {
        const limit = now.limit?.amperes[lane] ?? 0;
        const share = (value: number) => (limit > 0 ? Math.max(0, Math.min(100, (value / limit) * 100)) : 0);
        const others = now.other_loads?.amperes[lane] ?? 0;
        const held = now.totals?.held_back[lane] ?? 0;
        const reserved = now.totals?.reserved[lane] ?? 0;
        const setBy = now.limit?.set_by[lane === "total_a" ? "total" : LANE_NAMES[lane]]?.join(", ");
        return (
          <Card key={lane} data-lane={lane}>
            <Group justify="space-between"><Text fw={600}>{LANE_NAMES[lane]}</Text><Text size="sm" c="dimmed">{setBy}</Text></Group>
            <Text fz={22} fw={600} className="tabular">{amperes(reserved + others)} <Text span size="sm" c="dimmed">{t("site.ofLimit", { limit: amperes(limit) })}</Text></Text>
            <Progress.Root size={12} mt="xs" aria-hidden>
              <Progress.Section value={share(reserved - held)} color="blue" withAria={false} />
              <Progress.Section value={share(held)} color="orange" withAria={false} />
              <Progress.Section value={share(others)} color="gray" withAria={false} />
            </Progress.Root>
            <Text size="xs" c="dimmed" mt={4}>{t("site.measuredNow", { value: amperes(now.totals?.measured[lane]) })}{held > 0 && ` · ${t("site.heldBack", { value: amperes(held) })}`}{others > 0 && ` · ${t("site.others", { value: amperes(others) })}`}</Text>
          </Card>
        );
      })}
    </SimpleGrid>
  );
}

function Connectors({ now }: { now: Load }) {
  const { t } = useTranslation();
  if (now.connectors.length === 0) return now.managed ? <Empty title={t("site.nobody.title")}>{t("site.nobody.text")}</Empty> : null;
  const most = Math.max(6, ...now.connectors.map((each) => Math.max(each.target_a ?? 0, each.offered_a ?? 0)));
  return (
    <Card>
      <Title order={2} size="h5" mb="xs">{t("site.who")}</Title>
      <Table.ScrollContainer className="stacked" minWidth={680}>
        <Table verticalSpacing={6}>
          <Table.Thead><Table.Tr><Table.Th>{t("transaction.station")}</Table.Th><Table.Th>{t("site.gets")}</Table.Th><Table.Th ta="right">{t("site.draws")}</Table.Th><Table.Th>{t("site.phases")}</Table.Th><Table.Th>{t("site.why")}</Table.Th><Table.Th>{t("site.since")}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>{now.connectors.map((each) => <Row key={`${each.station_id}|${each.connector_id}`} decision={each} most={most} />)}</Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Card>
  );
}

function Row({ decision, most }: { decision: Decision; most: number }) {
  const { t, i18n } = useTranslation();
  const measured = decision.measured && Math.max(decision.measured.l1_a ?? 0, decision.measured.l2_a ?? 0, decision.measured.l3_a ?? 0);
  const waits = decision.target_a !== null && decision.offered_a !== null && decision.target_a !== decision.offered_a;
  return (
    <Table.Tr data-connector={`${decision.station_id}|${decision.connector_id}`}>
      <Table.Td><Anchor component={Link} to={`/stations/${encodeURIComponent(decision.station_id)}`} size="sm">{decision.station_id}</Anchor> <Text span size="sm" c="dimmed">· {decision.connector_id}</Text></Table.Td>
      <Table.Td miw="9rem">
        <Text size="sm" fw={600} className="tabular">{decision.offered_a === null ? t("site.unlimited") : formatCurrent(decision.offered_a, i18n.language)}{waits && <Text span size="xs" c="dimmed"> → {formatCurrent(decision.target_a, i18n.language)}</Text>}</Text>
        <Progress value={((decision.offered_a ?? 0) / most) * 100} size={5} aria-hidden />
      </Table.Td>
      <Table.Td ta="right" className="tabular" data-label={t("site.draws")}>{formatCurrent(measured, i18n.language)}</Table.Td>
      <Table.Td data-label={t("site.phases")}>{decision.phases?.join(" ") ?? "–"}</Table.Td>
      <Table.Td maw="24rem" data-line><Badge color={COLORS[decision.reason] ?? "gray"}>{t(`site.reason.${decision.reason}`, { defaultValue: decision.reason })}</Badge>{decision.limited_by && <Text span size="xs" c="dimmed"> {t("site.limitedBy", { lane: decision.limited_by === "total" ? t("site.allPhases") : decision.limited_by })}</Text>}<Text size="xs" c="dimmed" title={decision.message}>{decisionInWords(decision, t, i18n.language)}</Text></Table.Td>
      <Table.Td data-label={t("site.since")}><When at={decision.since} ago /></Table.Td>
    </Table.Tr>
  );
}

function Day({ siteId }: { siteId: string }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<Lane | null>(null);
  const history = useQuery({ queryKey: ["site", siteId, "history"], queryFn: () => ask(api.GET("/api/v1/sites/{site_id}/load/history", { params: { path: { site_id: siteId } } })), refetchInterval: 60_000 });
  const points = history.data?.points;
  const lanes = useMemo(() => lanesOf(points ?? []), [points]);
  const lane = chosen ?? lanes[0];
  const drawn = useMemo(
    () => points && lane && curvesOfLoad(points, history.data?.until ?? "", lane, { limit: t("site.curve.limit"), offered: t("site.curve.offered"), reserved: t("site.curve.reserved"), measured: t("site.curve.measured"), others: t("site.curve.others") }),
    [points, lane, history.data?.until, t],
  );
  return (
    <Card>
      <Group justify="space-between">
        <Title order={2} size="h5">{t("site.day24")}</Title>
        {lanes.length > 1 && <SegmentedControl size="xs" aria-label={t("site.phases")} value={lane} onChange={(value) => setChosen(value as Lane)} data={lanes.map((each) => ({ value: each, label: LANE_NAMES[each] }))} />}
      </Group>
      <Await query={history}>
        {() => (drawn && drawn.times.length > 0 ? <Box mt="xs"><LineChart times={drawn.times} curves={drawn.curves} label={t("site.day24")} height={260} /></Box> : <Text size="sm" c="dimmed">{t("site.noCurve")}</Text>)}
      </Await>
    </Card>
  );
}
