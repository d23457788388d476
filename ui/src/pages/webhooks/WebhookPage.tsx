import { Alert, Button, Card, Group, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { api, ask } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { Facts } from "../../components/DataTable";
import { Await, Failure } from "../../components/Feedback";
import { Page } from "../../components/Page";
import { Secret } from "../../components/Secret";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { Window } from "../../components/Window";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { Deliveries } from "./Deliveries";
import { Outcome } from "./Outcome";
import { stateOf, type Webhook, WEBHOOKS } from "./state";
import { WebhookForm } from "./WebhookForm";

const REFRESH_MS = 5_000;

/** One webhook: how it fares, what it was told, and what can be done about it. */
export default function WebhookPage() {
  const { webhookId = "" } = useParams();
  const { t } = useTranslation();
  const path = { webhook_id: webhookId };
  const query = useQuery({ queryKey: [...WEBHOOKS, webhookId], queryFn: () => ask(api.GET("/api/v1/webhooks/{webhook_id}", { params: { path } })), refetchInterval: REFRESH_MS });
  useLiveRefresh(["webhook."], [[...WEBHOOKS, webhookId]]);
  return (
    <Page title={query.data?.name ?? t("nav.webhooks")} crumbs={[{ label: t("nav.webhooks"), to: "/webhooks" }]}>
      <Await query={query}>{(webhook) => <Body webhook={webhook} />}</Await>
    </Page>
  );
}

function Body({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation();
  const { may } = useSession();
  return (
    <Stack>
      {webhook.disabled_reason && <Alert color="red" role="note">{t("webhook.disabledBecause", { reason: webhook.disabled_reason })}</Alert>}
      <Card>
        <Facts rows={[
          [t("station.state"), <StateBadge key="s" state={stateOf(webhook)} />],
          [t("webhook.url"), <span key="u" className="mono wrap-anywhere">{webhook.url}</span>],
          [t("webhook.types"), webhook.event_types.join(", ") || t("webhook.allTypes")],
          [t("webhook.delivered"), <When key="d" at={webhook.delivered_at} ago />],
          [t("webhook.failingSince"), webhook.failing_since && <When key="f" at={webhook.failing_since} ago />],
          [t("webhook.nextAt"), webhook.enabled && webhook.next_at && <span key="n"><When at={webhook.next_at} /> · {t("webhook.attempts", { count: webhook.attempts })}</span>],
          [t("organisation.created"), <When key="c" at={webhook.created_at} ago />],
        ]} />
        {may("webhooks:write") && <Actions webhook={webhook} />}
      </Card>
      <Title order={2} size="h4">{t("webhook.deliveries")}</Title>
      <Deliveries webhookId={webhook.id} />
    </Stack>
  );
}

function Actions({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const confirm = useConfirm();
  const client = useQueryClient();
  const [editing, setEditing] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const params = { path: { webhook_id: webhook.id } };
  const fresh = () => client.invalidateQueries({ queryKey: WEBHOOKS });
  const test = useMutation({ mutationFn: () => ask(api.POST("/api/v1/webhooks/{webhook_id}/test", { params })), onSettled: fresh });
  const turn = useMutation({ mutationFn: (body: { enabled: boolean; from_now?: boolean }) => ask(api.PATCH("/api/v1/webhooks/{webhook_id}", { params, body: body as never })), onSettled: fresh });
  const renew = () => confirm({ title: t("webhook.renewTitle", { name: webhook.name }), text: t("webhook.renewText"), confirm: t("webhook.renew"), act: async () => setSecret((await ask(api.POST("/api/v1/webhooks/{webhook_id}/secret", { params }))).secret) });
  const remove = () => confirm({ title: t("webhook.remove", { name: webhook.name }), text: t("webhook.removeText"), confirm: t("action.delete"), act: async () => { await ask(api.DELETE("/api/v1/webhooks/{webhook_id}", { params })); client.removeQueries({ queryKey: [...WEBHOOKS, webhook.id] }); await go("/webhooks"); } });
  return (
    <Stack mt="md" gap="sm">
      <Group gap="xs">
        <Button loading={test.isPending} onClick={() => test.mutate()}>{t("webhook.test")}</Button>
        <Button variant="default" onClick={() => setEditing(true)}>{t("action.edit")}</Button>
        {webhook.enabled ? <Button variant="default" loading={turn.isPending} onClick={() => turn.mutate({ enabled: false })}>{t("webhook.off")}</Button> : (
          <>
            <Button variant="default" loading={turn.isPending} onClick={() => turn.mutate({ enabled: true })}>{t("webhook.on")}</Button>
            <Button variant="default" loading={turn.isPending} onClick={() => turn.mutate({ enabled: true, from_now: true })}>{t("webhook.onFromNow")}</Button>
          </>
        )}
        <Button variant="default" onClick={renew}>{t("webhook.renew")}</Button>
        <Button color="red" variant="light" onClick={remove}>{t("action.delete")}</Button>
      </Group>
      {!webhook.enabled && <Text size="xs" c="dimmed">{t("webhook.onHelp")}</Text>}
      {(test.error ?? turn.error) && <Failure error={test.error ?? turn.error} />}
      {test.data && <Outcome delivery={test.data} />}
      {editing && <WebhookForm row={webhook} onClose={() => setEditing(false)} />}
      <Window opened={secret !== null} onClose={() => setSecret(null)} title={t("webhook.renew")} closeOnClickOutside={false}>
        {secret !== null && <Secret label={t("webhook.secretOf", { name: webhook.name })} value={secret} />}
        <Group justify="flex-end" mt="md"><Button onClick={() => setSecret(null)}>{t("action.close")}</Button></Group>
      </Window>
    </Stack>
  );
}
