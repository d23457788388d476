import { Button, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, ask } from "../../api/client";
import type { Column } from "../../components/DataTable";
import { ListTable } from "../../components/ListTable";
import { Page } from "../../components/Page";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { stateOf, type Webhook, WEBHOOKS } from "./state";
import { WebhookForm } from "./WebhookForm";

/** Other programs that are told what happens. */
export default function WebhooksPage() {
  const { t } = useTranslation();
  const { may } = useSession();
  const go = useNavigate();
  const [params, set] = useFilters(["new"] as const);
  const list = usePagedList([...WEBHOOKS, "list"], (cursor) => ask(api.GET("/api/v1/webhooks", { params: { query: { limit: 200, cursor } } })));
  useLiveRefresh(["webhook."], [WEBHOOKS]);
  const columns: Column<Webhook>[] = [
    { key: "name", header: t("token.name"), width: "minmax(8rem, 1fr)", sort: (row) => row.name, cell: (row) => row.name },
    { key: "url", header: t("webhook.url"), width: "minmax(12rem, 2fr)", wide: true, sort: (row) => row.url, cell: (row) => <Text span size="sm" className="mono">{row.url}</Text> },
    { key: "types", header: t("webhook.types"), width: "minmax(9rem, 1fr)", wide: true, cell: (row) => row.event_types.join(", ") || <Text span size="sm" c="dimmed">{t("webhook.allTypes")}</Text> },
    { key: "state", header: t("station.state"), width: "8rem", sort: stateOf, cell: (row) => <StateBadge state={stateOf(row)} title={row.disabled_reason ?? undefined} /> },
    { key: "delivered", header: t("webhook.delivered"), width: "9rem", wide: true, sort: (row) => row.delivered_at, cell: (row) => <When at={row.delivered_at} ago /> },
  ];
  const add = may("webhooks:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => set("new", "1")}>{t("webhook.add")}</Button>;
  return (
    <Page title={t("nav.webhooks")} lead={t("webhook.lead")} actions={add}>
      <ListTable label={t("nav.webhooks")} list={list} columns={columns} rowKey={(row) => row.id} onOpen={(row) => void go(`/webhooks/${row.id}`)} none={{ title: t("webhook.none.title"), text: t("webhook.none.text") }} />
      {params.new !== undefined && may("webhooks:write") && <WebhookForm row={null} onClose={(made) => (made ? void go(`/webhooks/${made.id}`) : set("new", null))} />}
    </Page>
  );
}
