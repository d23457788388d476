import { Button, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { type Column, Facts } from "../../components/DataTable";
import { Await, Failure } from "../../components/Feedback";
import { FilterBar } from "../../components/FilterBar";
import { Json } from "../../components/Json";
import { ListTable } from "../../components/ListTable";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { Window } from "../../components/Window";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useSession } from "../../session";
import { Outcome } from "./Outcome";
import { WEBHOOKS } from "./state";

type Delivery = Schemas["DeliveryView"];

const STATES = ["delivered", "failed", "given_up"] as const;
const REFRESH_MS = 5_000;

/** What was sent lately and what came of it; each attempt opens with its body, and can be sent again. */
export function Deliveries({ webhookId }: { webhookId: string }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<Delivery | null>(null);
  const [filters, set] = useFilters(["state"] as const);
  const state = STATES.find((each) => each === filters.state);
  const path = { webhook_id: webhookId };
  const list = usePagedList([...WEBHOOKS, webhookId, "deliveries", state], (cursor) => ask(api.GET("/api/v1/webhooks/{webhook_id}/deliveries", { params: { path, query: { limit: 100, cursor, ...(state && { state }) } } })), { refetchInterval: REFRESH_MS });
  const columns: Column<Delivery>[] = [
    { key: "state", header: t("station.state"), width: "9rem", cell: (row) => <StateBadge state={row.state} title={row.error ?? undefined} /> },
    { key: "event", header: t("webhook.event"), width: "minmax(10rem, 2fr)", cell: (row) => <Text span size="sm" className="mono">{row.event_type}</Text> },
    { key: "station", header: t("transaction.station"), width: "minmax(8rem, 1fr)", cell: (row) => row.station_id },
    { key: "status", header: t("webhook.status"), width: "6rem", wide: true, align: "right", cell: (row) => row.status ?? "–" },
    { key: "ms", header: t("webhook.duration"), width: "6rem", wide: true, align: "right", cell: (row) => `${row.duration_ms} ms` },
    { key: "attempt", header: t("webhook.attempt"), width: "6rem", wide: true, align: "right", cell: (row) => (row.reason === "event" ? row.attempt : t(`webhook.reason.${row.reason}`)) },
    { key: "at", header: t("webhook.at"), width: "9rem", cell: (row) => <When at={row.at} ago /> },
  ];
  return (
    <Stack>
      <FilterBar filters={filters} set={set} choices={[{ name: "state", label: t("station.state"), options: STATES.map((value) => ({ value, label: t(`value.${value}`) })) }]} csv={`/api/v1/webhooks/${webhookId}/deliveries`} />
      <ListTable label={t("webhook.deliveries")} list={list} columns={columns} rowKey={(row) => row.id} onOpen={setOpened} filters={filters} height="50dvh" none={{ title: t("webhook.noDeliveries.title"), text: t("webhook.noDeliveries.text") }} />
      {opened && <Details webhookId={webhookId} row={opened} onClose={() => setOpened(null)} />}
    </Stack>
  );
}

function Details({ webhookId, row, onClose }: { webhookId: string; row: Delivery; onClose: () => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const params = { path: { webhook_id: webhookId, delivery_id: row.id as never } };
  const told = useQuery({ queryKey: [...WEBHOOKS, webhookId, "delivery", row.id], queryFn: () => ask(api.GET("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}", { params })), staleTime: Infinity });
  const again = useMutation({ mutationFn: () => ask(api.POST("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", { params })), onSettled: () => client.invalidateQueries({ queryKey: [...WEBHOOKS, webhookId, "deliveries"] }) });
  return (
    <Window opened onClose={onClose} title={row.event_type} size="lg">
      <Stack>
        <Facts rows={[
          [t("station.state"), <StateBadge key="s" state={row.state} />],
          [t("webhook.status"), row.status ?? t("webhook.noAnswer")],
          [t("webhook.error"), row.error],
          [t("webhook.attempt"), row.reason === "event" ? row.attempt : t(`webhook.reason.${row.reason}`)],
          [t("webhook.at"), <When key="a" at={row.at} />],
          [t("webhook.messageId"), <span key="m" className="mono wrap-anywhere">{row.event_id}</span>],
        ]} />
        <Await query={told}>
          {(delivery) => delivery.body === null ? <Text size="sm" c="dimmed">{t(row.reason === "test" ? "webhook.wasTest" : "webhook.bodyGone")}</Text> : (
            <>
              <Json value={delivery.body} maxHeight="40dvh" />
              {again.error && <Failure error={again.error} />}
              {again.data && <Outcome delivery={again.data} />}
              {may("webhooks:write") && <Group justify="flex-end"><Button variant="default" loading={again.isPending} onClick={() => again.mutate()}>{t("webhook.again")}</Button></Group>}
            </>
          )}
        </Await>
      </Stack>
    </Window>
  );
}
