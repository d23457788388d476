import { Alert, Box, Button, Card, Grid, Group, NavLink, SegmentedControl, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconAlertTriangle, IconSend } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, api, ask, post, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { Await, useProblemText } from "../../components/Feedback";
import { SchemaForm } from "../../components/SchemaForm";
import { initial, prune, type Schema, type Value } from "../../lib/schema";
import { useEvents } from "../../live/events";
import { useSession } from "../../session";
import { PRESETS } from "./presets";
import type { Station } from "./StationPage";

type Job = Schemas["JobView"];
type Action = Schemas["ActionView"];

/** A form for every action: each field may be left out as on the wire, and the answer is shown where the button was. */
export function CommandsTab({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const actions = useQuery({ queryKey: ["actions"], queryFn: () => ask(api.GET("/api/v1/actions")), staleTime: Infinity });
  return (
    <Await query={actions}>
      {(list) => {
        const allowed = list.items.filter((action) => !action.dangerous || may("commands:dangerous"));
        const shown = allowed.filter((action) => action.action.toLowerCase().includes(search.toLowerCase()));
        const current = allowed.find((action) => action.action === chosen);
        return (
          <Grid>
            <Grid.Col span={{ base: 12, sm: 4, lg: 3 }}>
              <TextInput aria-label={t("command.find")} placeholder={t("command.find")} value={search} onChange={(event) => setSearch(event.currentTarget.value)} mb="xs" />
              <Box mah="60vh" style={{ overflowY: "auto" }} component="nav" aria-label={t("station.tab.commands")}>
                {[...new Set(shown.map((action) => action.block))].map((block) => (
                  <Box key={block} mb="xs">
                    <Text size="xs" fw={600} c="dimmed" px="xs">{t(`block.${block}`, { defaultValue: block })}</Text>
                    {shown.filter((action) => action.block === block).map((action) => (
                      <NavLink key={action.action} component="button" label={action.action} active={chosen === action.action} onClick={() => setChosen(action.action)}
                        rightSection={action.dangerous && <IconAlertTriangle size={14} aria-label={t("command.dangerous")} />} />
                    ))}
                  </Box>
                ))}
              </Box>
            </Grid.Col>
            <Grid.Col span={{ base: 12, sm: 8, lg: 9 }}>
              {current ? <CommandForm key={current.action} station={station} action={current} /> : <Text c="dimmed">{t("command.choose")}</Text>}
            </Grid.Col>
          </Grid>
        );
      }}
    </Await>
  );
}

function CommandForm({ station, action }: { station: Station; action: Action }) {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const schema = action.schema as Schema;
  const [value, setValue] = useState<Value | undefined>(() => initial(schema, schema));
  const [mode, setMode] = useState("form");
  const [raw, setRaw] = useState("");
  const [job, setJob] = useState<Job | null>(null);
  const payload = useMemo(() => prune(value, schema, schema) ?? {}, [value, schema]);
  const send = useMutation({
    mutationFn: ({ anyway }: { anyway: boolean }) =>
      post<Job>(`/api/v1/stations/${encodeURIComponent(station.id)}/commands/${action.action}${anyway ? "?send_anyway=true" : ""}`, mode === "raw" ? (JSON.parse(raw || "{}") as unknown) : payload),
    onMutate: () => setJob(null),
    onSuccess: setJob,
  });
  // The job goes on after the answer (a reset waits for the boot): what is shown follows it.
  useEvents(["job.changed"], (event) => {
    if (job && event.data.id === job.id) void ask(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: job.id } } })).then(setJob);
  });
  const problem = send.error instanceof ApiError ? send.error : null;
  const submit = () => {
    if (!action.dangerous) return send.mutate({ anyway: false });
    modals.openConfirmModal({
      title: t("command.confirm.title", { action: action.action }),
      children: <Text size="sm">{t("command.confirm.text", { action: action.action, station: station.id })}</Text>,
      labels: { confirm: t("action.send"), cancel: t("action.cancel") },
      confirmProps: { color: "red" },
      onConfirm: () => send.mutate({ anyway: false }),
    });
  };
  const presets = PRESETS[action.action] ?? [];
  return (
    <Card component="section" aria-label={action.action} data-command={action.action}>
      <Stack>
        <Group justify="space-between">
          <Title order={2} size="h4">{action.action}</Title>
          <SegmentedControl size="xs" value={mode} data={[{ value: "form", label: t("command.form") }, { value: "raw", label: "JSON" }]}
            onChange={(next) => {
              if (next === "raw") setRaw(JSON.stringify(payload, null, 2));
              setMode(next);
            }} />
        </Group>
        {presets.length > 0 && (
          <Group gap="xs">
            <Text size="sm">{t("command.presets")}:</Text>
            {presets.map((preset) => (
              <Button key={preset.name} size="compact-xs" variant="default" onClick={() => { const filled = preset.payload(); setValue(filled); setRaw(JSON.stringify(filled, null, 2)); }}>
                {t(`preset.${preset.name}`, { defaultValue: preset.name })}
              </Button>
            ))}
          </Group>
        )}
        {mode === "form" ? (
          <SchemaForm root={schema} value={value} onChange={setValue} error={(path) => problem?.field(path)} />
        ) : (
          <Textarea aria-label="JSON" autosize minRows={6} maxRows={24} value={raw} onChange={(event) => setRaw(event.currentTarget.value)} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} />
        )}
        {!station.connected && <Alert color="yellow" p="xs">{t("command.offline")}</Alert>}
        <Group>
          <Button leftSection={<IconSend size={16} aria-hidden />} color={action.dangerous ? "red" : undefined} loading={send.isPending} onClick={submit}>{t("action.send")}</Button>
          {problem?.problem.code === "needs_send_anyway" && <Button variant="default" onClick={() => send.mutate({ anyway: true })}>{t("command.anyway")}</Button>}
        </Group>
        <Box aria-live="polite">
          {send.error && <Alert color="red" role="alert">{problemText(send.error)}</Alert>}
          {job && <CommandResult job={job} />}
        </Box>
      </Stack>
    </Card>
  );
}
