import { Anchor, Badge, Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { type Column, Facts } from "../../components/DataTable";
import { Failure } from "../../components/Feedback";
import { FilterBar } from "../../components/FilterBar";
import { Json } from "../../components/Json";
import { ListTable } from "../../components/ListTable";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { Window } from "../../components/Window";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { SEVERITY_COLOR } from "./rules";
import { alertInWords } from "./words";

type Alert = Schemas["AlertView"];

const SEVERITIES = ["critical", "warning", "info"] as const;

/** Alerts in these states, the newest first; each can be opened and acknowledged with a comment. */
export function AlertList({ states }: { states: Schemas["AlertState"][] }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<Alert | null>(null);
  const [filters, set] = useFilters(["search", "severity", "station_id"] as const);
  const query = { state: states, ...(filters.severity && { severity: [filters.severity] }), ...(filters.search && { search: filters.search }), ...(filters.station_id && { station_id: filters.station_id }) };
  const list = usePagedList(["alerts", query], (cursor) => ask(api.GET("/api/v1/alerts", { params: { query: { ...query, limit: 100, cursor } as never } })));
  useLiveRefresh(["alert."], [["alerts"]]);
  const columns: Column<Alert>[] = [
    { key: "severity", header: t("alert.severity"), width: "7rem", cell: (row) => <Badge color={SEVERITY_COLOR[row.severity]} data-severity={row.severity}>{t(`alert.severities.${row.severity}`)}</Badge> },
    { key: "summary", header: t("alert.what"), width: "minmax(14rem, 3fr)", line: true, cell: (row) => alertInWords(row, t) },
    { key: "state", header: t("station.state"), width: "8rem", wide: true, cell: (row) => <StateBadge state={`alert_${row.state}`} /> },
    { key: "count", header: t("alert.count"), width: "6rem", wide: true, align: "right", cell: (row) => row.count },
    { key: "since", header: t("site.since"), width: "9rem", cell: (row) => <When at={row.first_at} ago /> },
    { key: "by", header: t("alert.by"), width: "minmax(8rem, 1fr)", wide: true, cell: (row) => row.acknowledged_by ?? "" },
  ];
  const standing = states.includes("open");
  return (
    <Stack>
      <FilterBar filters={filters} set={set} search={{ name: "search", label: t("filter.search") }} texts={[{ name: "station_id", label: t("transaction.station") }]} choices={[{ name: "severity", label: t("alert.severity"), options: SEVERITIES.map((value) => ({ value, label: t(`alert.severities.${value}`) })) }]} />
      <ListTable label={t("nav.alerts")} list={list} columns={columns} rowKey={(row) => row.id} onOpen={setOpened} none={standing ? { title: t("alert.none.title"), text: t("alert.none.text") } : { title: t("alert.noHistory.title"), text: t("alert.noHistory.text") }} />
      {opened && <Details alert={opened} onClose={() => setOpened(null)} />}
    </Stack>
  );
}

function Details({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const [comment, setComment] = useState(alert.comment ?? "");
  const path = { alert_id: alert.id };
  const done = async () => {
    await client.invalidateQueries({ queryKey: ["alerts"] });
    onClose();
  };
  const acknowledge = useMutation({ mutationFn: () => ask(api.POST("/api/v1/alerts/{alert_id}/acknowledge", { params: { path }, body: { comment: comment || null } })), onSuccess: done });
  const clear = useMutation({ mutationFn: () => ask(api.POST("/api/v1/alerts/{alert_id}/clear", { params: { path } })), onSuccess: done });
  const error = acknowledge.error ?? clear.error;
  return (
    <Window opened onClose={onClose} title={alertInWords(alert, t)} size="lg">
      <Stack>
        <Facts rows={[
          [t("station.state"), <StateBadge key="s" state={`alert_${alert.state}`} />],
          [t("transaction.station"), alert.station_id === "" ? null : <Anchor key="st" component={Link} to={`/stations/${encodeURIComponent(alert.station_id)}`}>{alert.station_id}</Anchor>],
          [t("alert.remedy"), alert.kind !== "local_list_conflict" ? null : <Anchor key="re" component={Link} to={`/stations/${encodeURIComponent(alert.station_id)}/localList`}>{t("localList.full")}</Anchor>],
          [t("station.site"), alert.site_id === null ? null : <Anchor key="si" component={Link} to={`/sites/${encodeURIComponent(alert.site_id)}`}>{alert.site_id}</Anchor>],
          [t("site.since"), <When key="f" at={alert.first_at} />],
          [t("alert.last"), <When key="l" at={alert.last_at} />],
          [t("alert.count"), alert.count],
          [t("alert.by"), alert.acknowledged_by && <span key="a">{alert.acknowledged_by} · <When at={alert.acknowledged_at} /></span>],
          [t("alert.comment"), alert.comment],
          [t("alert.cleared"), alert.cleared_at && <When key="c" at={alert.cleared_at} />],
        ]} />
        <Json value={alert.details} maxHeight="10rem" />
        {error && <Failure error={error} />}
        {may("alerts:write") && alert.state !== "cleared" && (
          <>
            <Textarea label={t("alert.comment")} value={comment} onChange={(event) => setComment(event.currentTarget.value)} maxLength={1000} autosize minRows={2} />
            <Group justify="space-between">
              <Text size="xs" c="dimmed" flex={1}>{t("alert.clearHelp")}</Text>
              <Button variant="default" loading={clear.isPending} onClick={() => clear.mutate()}>{t("alert.clear")}</Button>
              <Button loading={acknowledge.isPending} onClick={() => acknowledge.mutate()}>{t("alert.acknowledge")}</Button>
            </Group>
          </>
        )}
      </Stack>
    </Window>
  );
}
