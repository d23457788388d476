import { Alert, Anchor, Button, Group, NumberInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { useConfirm } from "../../components/confirm";
import type { Column } from "../../components/DataTable";
import { FilterBar } from "../../components/FilterBar";
import { FormModal } from "../../components/FormModal";
import { ListTable } from "../../components/ListTable";
import { StateBadge } from "../../components/StateBadge";
import { TimeInput } from "../../components/TimeInput";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";

type Reservation = Schemas["ReservationView"];
const STATES = ["requested", "active", "refused", "used", "expired", "cancelled", "ended_by_fault", "replaced", "ended_at_station"];
const ENDABLE = new Set(["requested", "active"]);
const HOUR_MS = 3_600_000;

/** Who has kept which connector until when; `stationId` narrows it to one station's page. */
export function ReservationTable({ stationId }: { stationId?: string }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const [adding, setAdding] = useState(false);
  const [filters, setFilter] = useFilters(["state", "station_id", "id_tag"] as const);
  const query = { ...filters, ...(stationId && { station_id: stationId }) };
  const list = usePagedList(["reservations", query], (cursor) => ask(api.GET("/api/v1/reservations", { params: { query: { ...query, limit: 200, cursor } as never } })));
  useLiveRefresh(["reservation."], [["reservations"]]);
  const cancel = (row: Reservation) =>
    confirm({
      title: t("reservation.cancel.title", { id: row.reservation_id }),
      text: t("reservation.cancel.text"),
      confirm: t("reservation.cancel.do"),
      act: async () => {
        await ask(api.POST("/api/v1/stations/{station_id}/reservations/{reservation_id}/cancel", { params: { path: { station_id: row.station_id, reservation_id: row.reservation_id } } }));
        await client.invalidateQueries({ queryKey: ["reservations"] });
      },
    });
  const columns: Column<Reservation>[] = [
    { key: "id", header: t("reservation.id"), width: "8rem", sort: (row) => row.reservation_id, cell: (row) => row.reservation_id },
    { key: "state", header: t("station.state"), width: "9rem", sort: (row) => row.state, cell: (row) => <StateBadge state={row.state} title={row.history.at(-1)?.why} /> },
    ...(stationId ? [] : [{ key: "station", header: t("transaction.station"), width: "minmax(8rem, 1fr)", sort: (row: Reservation) => row.station_id, cell: (row: Reservation) => <Anchor component={Link} to={`/stations/${encodeURIComponent(row.station_id)}`}>{row.station_id}</Anchor> }]),
    { key: "connector", header: t("transaction.connector"), width: "7rem", align: "right", sort: (row) => row.connector_id, cell: (row) => (row.connector_id === 0 ? t("reservation.any") : row.connector_id) },
    { key: "tag", header: t("token.idTag"), width: "minmax(8rem, 1fr)", sort: (row) => row.id_tag, cell: (row) => row.id_tag },
    { key: "expires", header: t("reservation.until"), width: "12rem", sort: (row) => row.expires_at, cell: (row) => <When at={row.expires_at} /> },
    { key: "do", header: "", width: "8rem", cell: (row) => may("reservations:write") && ENDABLE.has(row.state) && <Button size="compact-xs" variant="default" onClick={() => cancel(row)}>{t("reservation.cancel.do")}</Button> },
  ];
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <FilterBar filters={query} set={setFilter} csv="/api/v1/reservations"
          texts={[...(stationId ? [] : [{ name: "station_id" as const, label: t("transaction.station") }]), { name: "id_tag", label: t("token.idTag") }]}
          choices={[{ name: "state", label: t("station.state"), options: STATES.map((value) => ({ value, label: t(`value.${value}`, { defaultValue: value }) })) }]} />
        {may("reservations:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>{t("reservation.add")}</Button>}
      </Group>
      <ListTable label={t("nav.reservations")} list={list} columns={columns} rowKey={(row) => `${row.station_id}|${row.reservation_id}`} filters={filters} none={{ title: t("reservation.none.title"), text: t("reservation.none.text") }} />
      {adding && <AddReservation stationId={stationId} onClose={() => setAdding(false)} />}
    </Stack>
  );
}

function AddReservation({ stationId, onClose }: { stationId: string | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [start] = useState(() => new Date(Date.now() + HOUR_MS).toISOString());
  const form = useForm({ initialValues: { station_id: stationId ?? "", connector_id: 0 as number | "", id_tag: "", expires_at: start as string | null } });
  const save = useMutation({
    mutationFn: (values: typeof form.values) =>
      ask(api.POST("/api/v1/reservations", { body: { station_id: values.station_id, connector_id: values.connector_id || 0, id_tag: values.id_tag, expires_at: values.expires_at ?? "" } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["reservations"] }),
  });
  const { data } = save;
  return (
    <FormModal title={t("reservation.add")} onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending} submit={t("action.send")}
      done={data && <><Alert color={data.reservation?.state === "active" ? "teal" : "yellow"}>{t(`value.${data.reservation?.state ?? "refused"}`, { defaultValue: data.reservation?.state ?? "" })}</Alert><CommandResult job={data.job} /></>}>
      {!stationId && <TextInput label={t("station.id")} required data-autofocus {...form.getInputProps("station_id")} />}
      <NumberInput label={t("transaction.connector")} description={t("reservation.connectorHelp")} min={0} required {...form.getInputProps("connector_id")} />
      <TextInput label={t("token.idTag")} required {...form.getInputProps("id_tag")} />
      <TimeInput label={t("reservation.until")} required {...form.getInputProps("expires_at")} />
    </FormModal>
  );
}
