import { Alert, Anchor, Button, Card, Group, Progress, Select, SimpleGrid, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, problemCode, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { Await, useProblemText } from "../../components/Feedback";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { formatBytes } from "../../lib/units";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import type { Station } from "../stations/StationPage";
import { progressOf, transfersOf } from "./progress";

type Job = Schemas["JobView"];
/** Refusals that a person may overrule. */
const DOUBTS = new Set<string | undefined>(["firmware_for_others", "signature_invalid"]);

/** Updates and logs of one station: ask for them, watch how they go on, have the files. */
export function FirmwareTab({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  useLiveRefresh(["transfer.status", "job.changed"], [["transfers", station.id], ["files", station.id]], (event) => event.station_id === station.id);
  return (
    <Stack>
      {may("commands:send") && <SimpleGrid cols={{ base: 1, md: 2 }}>{may("commands:dangerous") && may("firmware:write") && <Update station={station} />}<Logs station={station} /></SimpleGrid>}
      <Card><Title order={2} size="h4" mb="xs">{t("firmware.transfers")}</Title><Transfers station={station} /></Card>
      <Card><Title order={2} size="h4" mb="xs">{t("firmware.files")}</Title><Files station={station} /></Card>
    </Stack>
  );
}

function Update({ station }: { station: Station }) {
  const { t } = useTranslation();
  const [firmware, setFirmware] = useState<string | null>(null);
  const [location, setLocation] = useState("");
  const list = useQuery({ queryKey: ["firmware", "all"], queryFn: () => ask(api.GET("/api/v1/firmware", { params: { query: { limit: 1000 } } })) });
  const body = firmware ? { firmware_id: firmware } : { location };
  return (
    <Asked title={t("firmware.update")} disabled={firmware === null && location === ""} ask={(send_anyway) => ask(api.POST("/api/v1/stations/{station_id}/firmware-updates", { params: { path: { station_id: station.id } }, body: { ...body, send_anyway } as never }))}>
      <Text size="sm">{t("firmware.now", { version: station.firmware_version ?? "–" })}</Text>
      <Select label={t("firmware.library")} clearable searchable data={(list.data?.items ?? []).map((row) => ({ value: row.id, label: `${row.name} · ${row.version}` }))} value={firmware} onChange={setFirmware} nothingFoundMessage={t("firmware.none.title")} />
      <TextInput label={t("firmware.location")} disabled={firmware !== null} value={location} onChange={(event) => setLocation(event.currentTarget.value)} />
    </Asked>
  );
}

function Logs({ station }: { station: Station }) {
  const { t } = useTranslation();
  const [kind, setKind] = useState("diagnostics");
  const params = { path: { station_id: station.id } };
  const call = () => (kind === "diagnostics" ? ask(api.POST("/api/v1/stations/{station_id}/diagnostics", { params, body: { transfer: "auto" } })) : ask(api.POST("/api/v1/stations/{station_id}/logs", { params, body: { transfer: "auto", log_type: kind === "security_log" ? "security" : "diagnostics" } })));
  return (
    <Asked title={t("firmware.logs")} ask={call}>
      <Select label={t("firmware.which")} allowDeselect={false} value={kind} onChange={(value) => setKind(value ?? "diagnostics")} data={["diagnostics", "diagnostics_log", "security_log"].map((value) => ({ value, label: t(`firmware.log.${value}`) }))} />
    </Asked>
  );
}

function Asked({ title, ask: call, disabled, children }: { title: string; ask: (anyway: boolean) => Promise<Job>; disabled?: boolean; children: React.ReactNode }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const problemText = useProblemText();
  const send = useMutation({ mutationFn: call, onSettled: () => client.invalidateQueries({ queryKey: ["transfers"] }) });
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{title}</Title>
      <Stack gap="xs">
        {children}
        {send.error && <Alert color="red" role="alert">{problemText(send.error)}</Alert>}
        {send.data && <CommandResult job={send.data} />}
        <Group justify="flex-end">{DOUBTS.has(problemCode(send.error)) && <Button variant="default" onClick={() => send.mutate(true)}>{t("command.anyway")}</Button>}<Button disabled={disabled} loading={send.isPending} onClick={() => send.mutate(false)}>{t("action.send")}</Button></Group>
      </Stack>
    </Card>
  );
}

const COLORS = { running: undefined, done: "teal", failed: "red" } as const;

function Transfers({ station }: { station: Station }) {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["transfers", station.id], queryFn: () => ask(api.GET("/api/v1/transfers", { params: { query: { station_id: station.id, limit: 100 } } })) });
  return (
    <Await query={query}>
      {(page) => {
        const transfers = transfersOf(page.items);
        if (transfers.length === 0) return <Text c="dimmed">{t("firmware.noTransfers")}</Text>;
        return (
          <Stack>
            {transfers.map((transfer) => {
              const [newest] = transfer.steps;
              const progress = newest ? progressOf(newest.status) : null;
              if (!newest) return null;
              return (
                <Stack gap={4} key={`${transfer.job_id}|${transfer.transfer}|${newest.received_at}`} data-transfer={transfer.transfer}>
                  <Group justify="space-between" gap="xs">
                    <Group gap="xs"><Text size="sm" fw={600}>{t(`firmware.transfer.${transfer.transfer}`, { defaultValue: transfer.transfer })}</Text><StateBadge state={newest.status} /></Group>
                    <Text size="xs" c="dimmed"><When at={newest.received_at} ago /></Text>
                  </Group>
                  {progress && <Progress value={progress.percent} color={COLORS[progress.state]} animated={progress.state === "running"} aria-label={t("firmware.progress", { transfer: t(`firmware.transfer.${transfer.transfer}`, { defaultValue: transfer.transfer }) })} />}
                  <Text size="xs" c="dimmed">{[...transfer.steps].reverse().map((step) => t(`value.${step.status}`, { defaultValue: step.status })).join(" → ")}</Text>
                </Stack>
              );
            })}
          </Stack>
        );
      }}
    </Await>
  );
}

function Files({ station }: { station: Station }) {
  const { t, i18n } = useTranslation();
  const query = useQuery({ queryKey: ["files", station.id], queryFn: () => ask(api.GET("/api/v1/files", { params: { query: { station_id: station.id, limit: 100 } } })) });
  return (
    <Await query={query}>
      {(page) => page.items.length === 0 ? <Text c="dimmed">{t("firmware.noFiles")}</Text> : (
        <Table><Table.Tbody>{page.items.map((row) => <Table.Tr key={row.id} data-file={row.name}><Table.Td className="wrap-anywhere"><Anchor href={`/api/v1/files/${row.id}/content`} download>{row.name}</Anchor></Table.Td><Table.Td>{formatBytes(row.size_bytes, i18n.language)}</Table.Td><Table.Td><When at={row.created_at} ago /></Table.Td></Table.Tr>)}</Table.Tbody></Table>
      )}
    </Await>
  );
}
