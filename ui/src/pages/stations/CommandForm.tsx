import { Alert, Box, Button, Card, Group, SegmentedControl, Stack, Text, Textarea, Title } from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, post, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { useConfirm } from "../../components/confirm";
import { useProblemText } from "../../components/Feedback";
import { SchemaForm } from "../../components/SchemaForm";
import { initial, prune, type Schema, type Value } from "../../lib/schema";
import { isDangerous } from "./danger";
import { PRESETS } from "./presets";
import type { Station } from "./StationPage";
import { useSuggestions } from "./useSuggestions";

type Job = Schemas["JobView"];

/** One action: its fields as in the schema, each optional one may be left out, the answer where the button is. */
export function CommandForm({ station, action }: { station: Station; action: Schemas["ActionView"] }) {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const suggestions = useSuggestions(station.id);
  const schema = action.schema as Schema;
  const [value, setValue] = useState<Value | undefined>(() => initial(schema, schema));
  const confirm = useConfirm();
  const [mode, setMode] = useState("form");
  const [raw, setRaw] = useState("");
  const payload = useMemo(() => prune(value, schema, schema) ?? {}, [value, schema]);
  const send = useMutation({
    mutationFn: ({ anyway, body }: { anyway: boolean; body: Value }) => post<Job>(`/api/v1/stations/${encodeURIComponent(station.id)}/commands/${action.action}${anyway ? "?send_anyway=true" : ""}`, body),
  });
  const [unreadable, setUnreadable] = useState<string | null>(null);
  const problem = send.error instanceof ApiError ? send.error : null;
  const submit = (anyway: boolean) => {
    let body: Value = payload;
    if (mode === "raw") {
      try {
        body = JSON.parse(raw || "{}") as Value;
      } catch (error) {
        return setUnreadable(error instanceof Error ? error.message : String(error));
      }
    }
    setUnreadable(null);
    if (!isDangerous(action, body)) return send.mutate({ anyway, body });
    confirm({
      title: t("command.confirm.title", { action: action.action }),
      text: <Stack gap="xs"><Text size="sm">{t("command.confirm.text", { action: action.action, station: station.id })}</Text>{action.why_dangerous && <Text size="sm" c="dimmed">{action.why_dangerous}</Text>}</Stack>,
      confirm: t("action.send"),
      act: () => send.mutate({ anyway, body }),
    });
  };
  const presets = PRESETS[action.action] ?? [];
  const fill = (filled: Value) => {
    setValue(filled);
    setRaw(JSON.stringify(filled, null, 2));
  };
  return (
    <Card component="section" aria-label={action.action} data-command={action.action}>
      <form onSubmit={(event) => { event.preventDefault(); submit(false); }} noValidate>
        <Stack>
          <Group justify="space-between">
            <Title order={2} size="h4">{action.action}</Title>
            <SegmentedControl size="xs" aria-label={t("command.form")} value={mode} data={[{ value: "form", label: t("command.form") }, { value: "raw", label: "JSON" }]}
              onChange={(next) => {
                if (next === "raw") setRaw(JSON.stringify(payload, null, 2));
                setMode(next);
              }} />
          </Group>
          {action.dangerous && action.why_dangerous && <Alert role="note" color="red" p="xs">{action.why_dangerous}</Alert>}
          {presets.length > 0 && (
            <Group gap="xs">
              <Text size="sm">{t("command.presets")}:</Text>
              {presets.map((preset) => <Button key={preset.name} size="compact-xs" variant="default" onClick={() => fill(preset.payload())}>{t(`preset.${preset.name}`, { defaultValue: preset.name })}</Button>)}
            </Group>
          )}
          {mode === "form" ? (
            <SchemaForm root={schema} value={value} onChange={setValue} error={(path) => problem?.field(path)} suggestions={suggestions} />
          ) : (
            <Textarea aria-label="JSON" autosize minRows={6} maxRows={24} value={raw} error={unreadable} onChange={(event) => setRaw(event.currentTarget.value)} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} />
          )}
          {!station.connected && <Alert role="note" color="yellow" p="xs">{t("command.offline")}</Alert>}
          <Group>
            <Button type="submit" leftSection={<IconSend size={16} aria-hidden />} color={action.dangerous ? "red" : undefined} loading={send.isPending}>{t("action.send")}</Button>
            {problem?.problem.code === "needs_send_anyway" && <Button variant="default" onClick={() => submit(true)}>{t("command.anyway")}</Button>}
          </Group>
          <Box aria-live="polite">
            {send.error && <Alert color="red" role="alert" className="wrap-anywhere">{problemText(send.error)}</Alert>}
            {send.data && <CommandResult job={send.data} />}
          </Box>
        </Stack>
      </form>
    </Card>
  );
}
