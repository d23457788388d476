import { Alert, Anchor, Button, Group, Stack, TextInput, Textarea } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { useConfirm } from "../../components/confirm";
import { type Column, Facts } from "../../components/DataTable";
import { Download } from "../../components/Download";
import { Expiry } from "../../components/Expiry";
import { useProblemText } from "../../components/Feedback";
import { FilterBar } from "../../components/FilterBar";
import { FormModal } from "../../components/FormModal";
import { ListTable } from "../../components/ListTable";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { Window } from "../../components/Window";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useSession } from "../../session";

type Certificate = Schemas["CertificateView"];

const STATES = ["issued", "active", "superseded", "refused", "revoked"];
const ENDED = new Set(["revoked", "refused"]);
const KEY = ["certificates"] as const;

/** Client certificates of stations: found, looked at, renewed, revoked; and signed by hand for a station without a way to ask. */
export function Inventory() {
  const { t } = useTranslation();
  const { may } = useSession();
  const [opened, setOpened] = useState<Certificate | null>(null);
  const [signing, setSigning] = useState(false);
  const [filters, set] = useFilters(["station_id", "state", "authority_id", "expires_before"] as const);
  const list = usePagedList([...KEY, filters], (cursor) => ask(api.GET("/api/v1/certificates", { params: { query: { ...filters, limit: 200, cursor } as never } })));
  const authorities = useQuery({ queryKey: ["certificate-authorities"], queryFn: () => ask(api.GET("/api/v1/certificate-authorities", { params: { query: { limit: 200 } } })) });
  const names = new Map(authorities.data?.items.map((each) => [each.id, each.name]));
  const columns: Column<Certificate>[] = [
    { key: "station", header: t("transaction.station"), width: "minmax(8rem, 1.2fr)", sort: (row) => row.station_id, cell: (row) => row.station_id },
    { key: "state", header: t("station.state"), width: "9rem", sort: (row) => row.state, cell: (row) => <StateBadge state={row.state} title={row.state_reason ?? undefined} /> },
    { key: "until", header: t("certificates.until"), width: "12rem", sort: (row) => row.not_after, cell: (row) => <Expiry at={row.not_after} /> },
    { key: "subject", header: t("certificates.subject"), width: "minmax(10rem, 2fr)", wide: true, cell: (row) => row.subject },
    { key: "issuer", header: t("certificates.authority"), width: "minmax(9rem, 1.4fr)", wide: true, cell: (row) => names.get(row.authority_id ?? "") ?? row.issuer },
    { key: "family", header: t("certificates.key"), width: "6rem", wide: true, cell: (row) => row.key_family?.toUpperCase() ?? "–" },
  ];
  const soon = new Date(new Date().setUTCHours(0, 0, 0, 0) + 30 * 86_400_000).toISOString();
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <Group gap="xs" align="flex-end">
          <FilterBar filters={filters} set={set} csv="/api/v1/certificates" texts={[{ name: "station_id", label: t("transaction.station") }]}
            choices={[
              { name: "state", label: t("station.state"), options: STATES.map((value) => ({ value, label: t(`value.${value}`) })) },
              { name: "authority_id", label: t("certificates.authority"), options: [...names].map(([value, label]) => ({ value, label })) },
            ]} />
          <Button variant={filters.expires_before ? "filled" : "default"} onClick={() => set("expires_before", filters.expires_before ? null : soon)} aria-pressed={filters.expires_before !== undefined}>{t("certificates.endSoon")}</Button>
        </Group>
        {may("certificates:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setSigning(true)}>{t("certificates.sign.open")}</Button>}
      </Group>
      <ListTable label={t("certificates.tab.inventory")} list={list} columns={columns} rowKey={(row) => row.id} onOpen={setOpened}
        none={{ title: t("certificates.none.title"), text: t("certificates.none.text"), action: <Button component={Link} to="/stations" variant="default">{t("nav.stations")}</Button> }} />
      {opened && <Details row={opened} authority={names.get(opened.authority_id ?? "")} onClose={() => setOpened(null)} />}
      {signing && <Sign onClose={() => setSigning(false)} />}
    </Stack>
  );
}

function Details({ row, authority, onClose }: { row: Certificate; authority: string | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const problemText = useProblemText();
  const renew = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/stations/{station_id}/renew-certificate", { params: { path: { station_id: row.station_id } } })),
  });
  const revoke = () =>
    confirm({
      title: t("certificates.revoke.title", { name: row.station_id }),
      text: t("certificates.revoke.text"),
      confirm: t("certificates.revoke.do"),
      act: async () => {
        await ask(api.POST("/api/v1/certificates/{certificate_id}/revoke", { params: { path: { certificate_id: row.id } } }));
        await client.invalidateQueries({ queryKey: KEY });
        onClose();
      },
    });
  const mayRenew = may("certificates:write") && may("commands:send") && may("commands:dangerous");
  return (
    <Window opened onClose={onClose} title={row.station_id} size="lg">
      <Stack>
        <Facts rows={[
          [t("transaction.station"), <Anchor key="s" component={Link} to={`/stations/${encodeURIComponent(row.station_id)}`}>{row.station_id}</Anchor>],
          [t("station.state"), <Group key="b" gap="xs"><StateBadge state={row.state} />{row.state_reason}</Group>],
          [t("certificates.subject"), row.subject],
          [t("certificates.issuer"), authority ? `${authority} (${row.issuer})` : row.issuer],
          [t("certificates.serial"), <span key="n" className="mono">{row.serial_number}</span>],
          [t("certificates.from"), <When key="f" at={row.not_before} />],
          [t("certificates.until"), <Expiry key="e" at={row.not_after} />],
          [t("certificates.fingerprint"), <span key="p" className="mono wrap-anywhere">{row.fingerprint}</span>],
        ]} />
        {renew.error && <Alert color="red" role="alert">{problemText(renew.error)}</Alert>}
        {renew.data && <CommandResult job={renew.data} />}
        <Group justify="space-between">
          <Download text={row.chain} name={`${row.station_id}-${row.serial_number}.pem`} label={t("certificates.download")} />
          <Group gap="xs">
            {mayRenew && row.state !== "superseded" && <Button size="xs" variant="default" loading={renew.isPending} disabled={renew.isSuccess} onClick={() => renew.mutate()} title={t("certificates.renewHelp")}>{t("certificates.renew")}</Button>}
            {may("certificates:write") && !ENDED.has(row.state) && <Button size="xs" color="red" variant="light" onClick={revoke}>{t("certificates.revoke.do")}</Button>}
          </Group>
        </Group>
      </Stack>
    </Window>
  );
}

function Sign({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm({ initialValues: { station_id: "", csr: "" } });
  const sign = useMutation({
    mutationFn: ({ station_id, csr }: typeof form.values) => ask(api.POST("/api/v1/stations/{station_id}/certificates", { params: { path: { station_id } }, body: { csr } })),
    onSuccess: () => client.invalidateQueries({ queryKey: KEY }),
  });
  return (
    <FormModal title={t("certificates.sign.open")} size="lg" submit={t("certificates.sign.do")} onClose={onClose} onSubmit={form.onSubmit((values) => sign.mutate(values))} error={sign.error} pending={sign.isPending}
      done={sign.data && <><Alert color="teal">{t("certificates.sign.done", { name: sign.data.station_id })}</Alert><Download text={sign.data.chain} name={`${sign.data.station_id}.pem`} label={t("certificates.download")} /></>}>
      <TextInput label={t("transaction.station")} required data-autofocus {...form.getInputProps("station_id")} />
      <Textarea label={t("certificates.sign.request")} description={t("certificates.sign.help")} required autosize minRows={6} maxRows={14} placeholder="-----BEGIN CERTIFICATE REQUEST-----" styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.75rem" } }} {...form.getInputProps("csr")} />
    </FormModal>
  );
}
