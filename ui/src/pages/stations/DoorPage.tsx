import { Alert, Badge, Button, Card, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { EmptyList } from "../../components/EmptyList";
import { Failure, Loading, useProblemText } from "../../components/Feedback";
import { FilterBar } from "../../components/FilterBar";
import { Page } from "../../components/Page";
import { Secret } from "../../components/Secret";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { AddStation } from "./AddStation";

type Refusal = Schemas["RefusedHandshakeView"];

/** Waiting at the door: who was turned away, why, and what to do about it. */
export default function DoorPage() {
  const { t } = useTranslation();
  const [filters, setFilter] = useFilters(["station_id", "known", "reason"] as const);
  // Kept by the page: the card goes as soon as the station is known, and the password is shown only once.
  const [accepted, setAccepted] = useState<{ id: string; password: string } | null>(null);
  const list = usePagedList(["door", filters], (cursor) =>
    ask(
      api.GET("/api/v1/refused-handshakes", {
        params: { query: { ...filters, known: filters.known === undefined ? undefined : filters.known === "true", limit: 100, cursor } },
      }),
    ),
  );
  useLiveRefresh(["station.refused", "station.connected"], [["door"]]);
  return (
    <Page title={t("nav.door")} lead={t("door.lead")}>
      <FilterBar
        filters={filters}
        set={setFilter}
        search={{ name: "station_id", label: t("station.id") }}
        choices={[{ name: "known", label: t("door.registered"), options: [{ value: "true", label: t("door.yes") }, { value: "false", label: t("door.no") }] }]}
        csv="/api/v1/refused-handshakes"
      />
      {accepted && <Alert color="teal" withCloseButton closeButtonLabel={t("action.close")} onClose={() => setAccepted(null)} title={accepted.id}><Secret label={t("door.password")} value={accepted.password} /></Alert>}
      {list.error ? <Failure error={list.error} retry={list.refetch} /> : list.loading ? <Loading /> : list.rows.length === 0 ? (
        <EmptyList filters={filters} title={t("door.none.title")}>{t("door.none.text")}</EmptyList>
      ) : (
        <Stack>
          {list.rows.map((row) => <RefusalCard key={`${row.station_id}|${row.remote_address}|${row.reason}|${row.first_at}`} refusal={row} onAccepted={setAccepted} />)}
          {list.more && <Button variant="default" onClick={list.loadMore}>{t("action.more")}</Button>}
        </Stack>
      )}
    </Page>
  );
}

function RefusalCard({ refusal, onAccepted }: { refusal: Refusal; onAccepted: (accepted: { id: string; password: string } | null) => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const problemText = useProblemText();
  const [registering, setRegistering] = useState(false);
  const accept = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/stations/{station_id}/accept", { params: { path: { station_id: refusal.station_id } } })),
    onSuccess: ({ id, password }) => {
      if (password) onAccepted({ id, password });
      return Promise.all([client.invalidateQueries({ queryKey: ["door"] }), client.invalidateQueries({ queryKey: ["stations"] })]);
    },
  });
  const unknown = !refusal.known && refusal.reason === "unknown_station";
  return (
    <Card component="article" data-refusal={refusal.station_id}>
      <Group justify="space-between" align="flex-start">
        <Stack gap={4} flex="1 1 16rem">
          <Group gap="xs">
            <Text fw={600} className="wrap-anywhere">{refusal.station_id || t("door.noIdentity")}</Text>
            <Badge color="red">{t(`reason.${refusal.reason}`, { defaultValue: refusal.reason })}</Badge>
            {refusal.status > 0 && <Badge color="gray">HTTP {refusal.status}</Badge>}
            {refusal.count > 1 && <Badge color="gray">{t("door.times", { count: refusal.count })}</Badge>}
          </Group>
          <Text size="sm" className="wrap-anywhere">{t(`refusal.${refusal.reason}`, { defaultValue: refusal.detail })}</Text>
          <Text size="sm" fw={500} data-advice={refusal.reason}>{t(`advice.${refusal.reason}`, { defaultValue: t("advice.other") })}</Text>
          <Text size="xs" c="dimmed" className="wrap-anywhere">
            {refusal.remote_address} · {refusal.path || "–"} · {refusal.subprotocols ?? "–"} · {refusal.user_agent ?? "–"} · <When at={refusal.last_at} ago />
          </Text>
          {accept.error && <Alert color="red" p="xs" role="alert">{problemText(accept.error)}</Alert>}
        </Stack>
        {unknown && may("stations:write") && !accept.data && (
          <Group gap="xs">
            <Button size="xs" loading={accept.isPending} onClick={() => accept.mutate()}>{t("door.accept")}</Button>
            <Button size="xs" variant="default" onClick={() => setRegistering(true)}>{t("door.register")}</Button>
          </Group>
        )}
        {refusal.known && <Button size="xs" variant="default" component={Link} to={`/stations/${encodeURIComponent(refusal.station_id)}/settings`}>{t("door.open")}</Button>}
      </Group>
      {registering && <AddStation opened id={refusal.station_id} onClose={() => setRegistering(false)} />}
    </Card>
  );
}
