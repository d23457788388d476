import { ActionIcon, Alert, Button, Group, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconEdit } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, post, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { Await, Empty, useProblemText } from "../../components/Feedback";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { Window } from "../../components/Window";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { DesiredPanel } from "../configuration/DesiredPanel";
import type { Station } from "./StationPage";

type Variable = Schemas["VariableView"];
type Job = Schemas["JobView"];

/** The station's keys as last read; read again, search, change. */
export function ConfigurationTab({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const problemText = useProblemText();
  const client = useQueryClient();
  const [search, setSearch] = useState("");
  const [editing, setEditing] = useState<Variable | null>(null);
  const key = ["configuration", station.id];
  const query = useQuery({ queryKey: key, queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/configuration", { params: { path: { station_id: station.id } } })) });
  const read = useMutation({
    mutationFn: () => post<Job>(`/api/v1/stations/${encodeURIComponent(station.id)}/commands/GetConfiguration`, {}),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
  useLiveRefresh(["configuration."], [key], (event) => event.station_id === station.id);
  return (
    <Stack>
      {may("configuration:read") && <DesiredPanel stationId={station.id} />}
      <Group justify="space-between" align="flex-end">
        <TextInput label={t("filter.search")} value={search} onChange={(event) => setSearch(event.currentTarget.value)} />
        {may("commands:send") && <Button onClick={() => read.mutate()} loading={read.isPending} disabled={!station.connected}>{t("configuration.readAll")}</Button>}
      </Group>
      {read.error && <Alert color="red" role="alert">{problemText(read.error)}</Alert>}
      <Await query={query}>
        {(page) => page.items.length === 0 ? (
          <Empty title={t("configuration.none.title")}>{t("configuration.none.text")}</Empty>
        ) : (
          <Table.ScrollContainer className="stacked" minWidth={480}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>{t("configuration.key")}</Table.Th><Table.Th>{t("configuration.value")}</Table.Th><Table.Th>{t("configuration.access")}</Table.Th><Table.Th>{t("configuration.readAt")}</Table.Th><Table.Th /></Table.Tr></Table.Thead>
              <Table.Tbody>
                {page.items.filter((variable) => variable.variable.toLowerCase().includes(search.toLowerCase())).map((variable) => (
                  <Table.Tr key={variable.variable} data-key={variable.variable}>
                    <Table.Td>{variable.variable}</Table.Td>
                    <Table.Td className="wrap-anywhere" data-line>{variable.supported ? (variable.value ?? <Text span c="dimmed">{t("configuration.noValue")}</Text>) : <Text span c="dimmed">{t("configuration.unsupported")}</Text>} <Waiting variable={variable} /></Table.Td>
                    <Table.Td>{variable.readonly ? t("configuration.readonly") : ""}</Table.Td>
                    <Table.Td><When at={variable.read_at} ago /></Table.Td>
                    <Table.Td>{may("commands:send") && !variable.readonly && <ActionIcon variant="subtle" aria-label={t("configuration.edit", { key: variable.variable })} onClick={() => setEditing(variable)}><IconEdit size={16} /></ActionIcon>}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Await>
      {editing && <EditValue station={station} variable={editing} onClose={() => setEditing(null)} />}
    </Stack>
  );
}

/** What the station takes at its next boot; of a secret only that something waits. */
function Waiting({ variable }: { variable: Variable }) {
  const { t } = useTranslation();
  if (variable.pending_value !== null) return <Text span size="sm" c="dimmed" display="block" data-pending>{t("configuration.afterBoot", { value: variable.pending_value })}</Text>;
  return variable.write_status === "reboot_required" && variable.value === null && variable.read_at === null ? <StateBadge state="RebootRequired" /> : null;
}

function EditValue({ station, variable, onClose }: { station: Station; variable: Variable; onClose: () => void }) {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const [value, setValue] = useState(variable.pending_value ?? variable.value ?? "");
  const change = useMutation({
    mutationFn: () => post<Job>(`/api/v1/stations/${encodeURIComponent(station.id)}/commands/ChangeConfiguration`, { key: variable.variable, value }),
  });
  return (
    <Window opened onClose={onClose} title={variable.variable}>
      <form onSubmit={(event) => { event.preventDefault(); change.mutate(); }}>
        <Stack>
          <TextInput label={t("configuration.value")} value={value} onChange={(event) => setValue(event.currentTarget.value)} data-autofocus />
          {change.error && <Alert color="red" role="alert">{problemText(change.error)}</Alert>}
          {change.data && <CommandResult job={change.data} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("action.close")}</Button>
            <Button type="submit" loading={change.isPending} disabled={!station.connected}>{t("action.send")}</Button>
          </Group>
        </Stack>
      </form>
    </Window>
  );
}
