import { Button, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import type { Column } from "../../components/DataTable";
import { Failure } from "../../components/Feedback";
import { FilterBar } from "../../components/FilterBar";
import { ListTable } from "../../components/ListTable";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useSession } from "../../session";

type Email = Schemas["EmailView"];

const KEY = ["alert-emails"] as const;
const STATES = ["waiting", "sent", "failed"] as const;
const REFRESH_MS = 5_000;

/** The e-mails about alerts: which wait, which went out, and which were given up and why. */
export function Emails() {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const [filters, set] = useFilters(["state"] as const);
  const state = STATES.find((each) => each === filters.state);
  const list = usePagedList([...KEY, state], (cursor) => ask(api.GET("/api/v1/alert-emails", { params: { query: { limit: 100, cursor, ...(state && { state }) } } })), { refetchInterval: REFRESH_MS });
  const retry = useMutation({ mutationFn: (row: Email) => ask(api.POST("/api/v1/alert-emails/{email_id}/retry", { params: { path: { email_id: row.id } } })), onSettled: () => client.invalidateQueries({ queryKey: KEY }) });
  const columns: Column<Email>[] = [
    { key: "state", header: t("station.state"), width: "8rem", cell: (row) => <StateBadge state={`email_${row.state}`} title={row.error ?? undefined} /> },
    { key: "subject", header: t("alert.subject"), width: "minmax(10rem, 2fr)", line: true, cell: (row) => row.subject },
    { key: "to", header: t("alert.recipient"), width: "minmax(8rem, 1fr)", wide: true, cell: (row) => <span title={row.addresses.join(", ")}>{row.recipient_name}</span> },
    { key: "error", header: t("alert.error"), width: "minmax(8rem, 1fr)", wide: true, cell: (row) => row.error && <Text span size="sm" title={row.error}>{row.error}</Text> },
    { key: "attempts", header: t("alert.attempts"), width: "6rem", wide: true, align: "right", cell: (row) => row.attempts },
    { key: "at", header: t("alert.sentAt"), width: "9rem", wide: true, cell: (row) => <When at={row.sent_at ?? row.created_at} ago /> },
    { key: "retry", header: "", width: "8rem", cell: (row) => row.state === "failed" && may("alerts:write") && <Button size="compact-xs" variant="default" loading={retry.isPending && retry.variables.id === row.id} onClick={() => retry.mutate(row)}>{t("action.retry")}</Button> },
  ];
  return (
    <Stack>
      {retry.error && <Failure error={retry.error} />}
      <FilterBar filters={filters} set={set} choices={[{ name: "state", label: t("station.state"), options: STATES.map((value) => ({ value, label: t(`value.email_${value}`) })) }]} csv="/api/v1/alert-emails" />
      <ListTable label={t("alert.tab.emails")} list={list} columns={columns} rowKey={(row) => row.id} filters={filters} none={{ title: t("alert.noEmails.title"), text: t("alert.noEmails.text") }} />
    </Stack>
  );
}
