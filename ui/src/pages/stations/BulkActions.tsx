import { Alert, Button, Group, Modal, NumberInput, Progress, Select, Stack, Table, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { post, type Schemas } from "../../api/client";
import { useProblemText } from "../../components/Feedback";
import { StateBadge } from "../../components/StateBadge";

type Station = Schemas["StationView"];

interface Outcome {
  station: string;
  state: string;
  detail: string;
}

/** What may be asked of many stations at once, with the payload it is asked with. */
const COMMANDS: Record<string, { action: string; payload: Record<string, unknown> }> = {
  softReset: { action: "Reset", payload: { type: "Soft" } },
  hardReset: { action: "Reset", payload: { type: "Hard" } },
  readConfiguration: { action: "GetConfiguration", payload: {} },
  clearCache: { action: "ClearCache", payload: {} },
  inoperative: { action: "ChangeAvailability", payload: { connectorId: 0, type: "Inoperative" } },
  operative: { action: "ChangeAvailability", payload: { connectorId: 0, type: "Operative" } },
};

/** First seen, then done: a preview of who is asked what, sent in stages, stopped when too many fail. */
export function BulkActions({ stations, onDone }: { stations: Station[]; onDone: () => void }) {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const [opened, dialog] = useDisclosure();
  const [name, setName] = useState("readConfiguration");
  const [stage, setStage] = useState(5);
  const [limit, setLimit] = useState(20);
  const [outcomes, setOutcomes] = useState<Outcome[]>([]);
  const [running, setRunning] = useState(false);
  const [stopped, setStopped] = useState(false);
  const cancelled = useRef(false);
  const online = stations.filter((station) => station.connected);
  const command = COMMANDS[name];

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
    setStopped(false);
    cancelled.current = false;
    const done: Outcome[] = [];
    for (let start = 0; start < online.length && !cancelled.current; start += stage) {
      done.push(...(await Promise.all(online.slice(start, start + stage).map(send))));
      setOutcomes([...done]);
      const failed = done.filter((outcome) => ["error", "Rejected", "timeout"].includes(outcome.state)).length;
      if ((failed / done.length) * 100 > limit) {
        setStopped(true);
        break;
      }
    }
    setRunning(false);
  }

  const close = () => {
    cancelled.current = true;
    dialog.close();
    if (outcomes.length > 0) onDone();
    setOutcomes([]);
  };
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
      <Modal opened={opened} onClose={close} title={t("bulk.title")} size="lg">
        <Stack>
          <Group grow align="flex-end">
            <Select label={t("bulk.what")} data={Object.keys(COMMANDS).map((value) => ({ value, label: t(`bulk.command.${value}`, { defaultValue: value }) }))} value={name} onChange={(value) => value && setName(value)} allowDeselect={false} disabled={running} />
            <NumberInput label={t("bulk.stage")} value={stage} onChange={(value) => typeof value === "number" && setStage(Math.max(1, value))} min={1} max={100} disabled={running} />
            <NumberInput label={t("bulk.limit")} value={limit} onChange={(value) => typeof value === "number" && setLimit(value)} min={0} max={100} suffix=" %" disabled={running} />
          </Group>
          <Text size="sm">{t("bulk.preview", { count: online.length, skipped: stations.length - online.length })}</Text>
          {outcomes.length > 0 && <Progress value={(outcomes.length / Math.max(1, online.length)) * 100} aria-label={t("bulk.progress")} />}
          {stopped && <Alert color="red" role="alert">{t("bulk.stopped")}</Alert>}
          <Table.ScrollContainer minWidth={320} mah="20rem">
            <Table>
              <Table.Tbody>
                {(outcomes.length > 0 ? outcomes : online.map((station) => ({ station: station.id, state: "queued", detail: "" }))).slice(0, 500).map((outcome) => (
                  <Table.Tr key={outcome.station}>
                    <Table.Td>{outcome.station}</Table.Td>
                    <Table.Td><StateBadge state={outcome.state} /></Table.Td>
                    <Table.Td>{outcome.detail}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>{outcomes.length > 0 && !running ? t("action.close") : t("action.cancel")}</Button>
            {(outcomes.length === 0 || running) && <Button loading={running} disabled={online.length === 0} onClick={() => void run()}>{t("bulk.send", { count: online.length })}</Button>}
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
