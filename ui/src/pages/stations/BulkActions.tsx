/** Many stations at once: first seen, then done, in stages, stopped when too many fail or when somebody says so. */
import { Alert, Button, Code, Group, NumberInput, Progress, Select, Stack, Table, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { post, type Schemas } from "../../api/client";
import { useProblemText } from "../../components/Feedback";
import { StateBadge } from "../../components/StateBadge";
import { Window } from "../../components/Window";
import { useSession } from "../../session";
import { COMMANDS, failureShare, type Outcome } from "./bulk";

type Station = Schemas["StationView"];
const SHOWN = 500;

export function BulkActions({ stations, onDone }: { stations: Station[]; onDone: () => void }) {
  const { t } = useTranslation();
  const [opened, dialog] = useDisclosure();
  return (
    <>
      <Alert p="xs">
        <Group justify="space-between">
          <Text size="sm">{t("bulk.selected", { count: stations.length })}</Text>
          <Group gap="xs">
            <Button size="xs" variant="default" onClick={onDone}>{t("bulk.clear")}</Button>
            <Button size="xs" onClick={dialog.open}>{t("bulk.act")}</Button>
          </Group>
        </Group>
      </Alert>
      {opened && <BulkDialog stations={stations} onClose={(sent) => { dialog.close(); if (sent) onDone(); }} />}
    </>
  );
}

function BulkDialog({ stations, onClose }: { stations: Station[]; onClose: (sent: boolean) => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const problemText = useProblemText();
  const [name, setName] = useState("readConfiguration");
  const [stage, setStage] = useState(5);
  const [limit, setLimit] = useState(20);
  const [outcomes, setOutcomes] = useState<Outcome[]>([]);
  const [running, setRunning] = useState(false);
  const [ended, setEnded] = useState<"failures" | "person" | null>(null);
  const cancelled = useRef(false);
  const online = stations.filter((station) => station.connected);
  const offline = stations.filter((station) => !station.connected);
  const allowed = Object.entries(COMMANDS).filter(([, command]) => !command.dangerous || may("commands:dangerous"));
  const command = COMMANDS[name];
  const started = outcomes.length > 0 || running;

  async function send(station: Station): Promise<Outcome> {
    try {
      const job = await post<Schemas["JobView"]>(`/api/v1/stations/${encodeURIComponent(station.id)}/commands/${command?.action}`, command?.payload ?? {});
      return { station: station.id, state: job.error ? "error" : (job.result ?? job.state), detail: job.error?.description ?? "" };
    } catch (error) {
      return { station: station.id, state: "error", detail: problemText(error) };
    }
  }

  async function run() {
    setRunning(true);
    setEnded(null);
    cancelled.current = false;
    const done: Outcome[] = [];
    for (let start = 0; start < online.length; start += stage) {
      done.push(...(await Promise.all(online.slice(start, start + stage).map(send))));
      setOutcomes([...done]);
      const left = online.length > start + stage;
      if (left && failureShare(done) > limit) setEnded("failures");
      if (left && cancelled.current) setEnded("person");
      if (failureShare(done) > limit || cancelled.current) break;
    }
    setRunning(false);
  }

  const close = () => {
    cancelled.current = true;
    onClose(outcomes.length > 0);
  };
  const told = new Map(outcomes.map((outcome) => [outcome.station, outcome]));
  return (
    <Window opened onClose={close} title={t("bulk.title")} size="lg" closeOnClickOutside={!running}>
      <Stack>
        <Group grow align="flex-end" preventGrowOverflow={false}>
          <Select label={t("bulk.what")} data={allowed.map(([value]) => ({ value, label: t(`bulk.command.${value}`, { defaultValue: value }) }))} value={name} onChange={(value) => value && setName(value)} allowDeselect={false} disabled={started} />
          <NumberInput label={t("bulk.stage")} value={stage} onChange={(value) => typeof value === "number" && setStage(Math.max(1, value))} min={1} max={100} disabled={started} />
          <NumberInput label={t("bulk.limit")} value={limit} onChange={(value) => typeof value === "number" && setLimit(value)} min={0} max={100} suffix=" %" disabled={started} />
        </Group>
        {command && <Code block className="wrap-anywhere" data-preview>{`${command.action} ${JSON.stringify(command.payload)}`}</Code>}
        {command?.dangerous && <Alert color="red" p="xs">{t("bulk.dangerous")}</Alert>}
        <Text size="sm">{t("bulk.preview", { count: online.length, skipped: offline.length })}</Text>
        {started && <Progress value={(outcomes.length / Math.max(1, online.length)) * 100} aria-label={t("bulk.progress")} />}
        {ended && <Alert color="red" role="alert">{t(ended === "failures" ? "bulk.stopped" : "bulk.cancelled")}</Alert>}
        <Table.ScrollContainer className="stacked" minWidth={280} mah="20rem">
          <Table>
            <Table.Tbody>
              {[...online, ...offline].slice(0, SHOWN).map((station) => {
                const outcome = told.get(station.id);
                return (
                  <Table.Tr key={station.id} data-bulk={station.id}>
                    <Table.Td className="wrap-anywhere">{station.id}</Table.Td>
                    <Table.Td><StateBadge state={station.connected ? (outcome?.state ?? (started ? "queued" : "online")) : "skipped"} /></Table.Td>
                    <Table.Td className="wrap-anywhere">{outcome?.detail ?? (station.connected ? "" : t("value.offline"))}</Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
          {stations.length > SHOWN && <Text size="sm" c="dimmed">{t("bulk.andMore", { count: stations.length - SHOWN })}</Text>}
        </Table.ScrollContainer>
        <Group justify="flex-end">
          {running && <Button color="red" variant="light" onClick={() => { cancelled.current = true; }}>{t("bulk.stop")}</Button>}
          {!running && <Button variant="default" onClick={close}>{started ? t("action.close") : t("action.cancel")}</Button>}
          {(!started || running) && <Button loading={running} color={command?.dangerous ? "red" : undefined} disabled={online.length === 0} onClick={() => void run()}>{t("bulk.send", { count: online.length })}</Button>}
        </Group>
      </Stack>
    </Window>
  );
}
