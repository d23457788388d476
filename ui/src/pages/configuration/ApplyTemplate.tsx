import { Alert, Anchor, Badge, Button, Group, Progress, Select, Stack, Table, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { Await, useProblemText } from "../../components/Feedback";
import { Window } from "../../components/Window";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { MODES } from "./KeyState";

type Template = Schemas["ConfigurationTemplateView"];
type Mode = Template["mode"];
const SHOWN = 100;

/** The stations of a template: how far they are followed, and bringing them into step. */
export function ApplyTemplate({ template, onClose }: { template: Template; onClose: () => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const problemText = useProblemText();
  const client = useQueryClient();
  const [mode, setMode] = useState<Mode>("on_demand");
  const path = { template_id: template.id };
  const key = ["template-stations", template.id];
  const stations = useQuery({ queryKey: key, queryFn: () => ask(api.GET("/api/v1/configuration-templates/{template_id}/stations", { params: { path, query: { limit: 1000 } } })) });
  const follow = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/configuration-templates/{template_id}/follow", { params: { path }, body: { mode } })),
    onSuccess: () => Promise.all([client.invalidateQueries({ queryKey: key }), client.invalidateQueries({ queryKey: ["configuration-drift"] }), client.invalidateQueries({ queryKey: ["configuration-drift-summary"] })]),
  });
  const apply = useMutation({ mutationFn: () => ask(api.POST("/api/v1/configuration-templates/{template_id}/apply", { params: { path }, body: {} })) });
  const error = follow.error ?? apply.error;
  return (
    <Window opened onClose={onClose} title={t("desired.stationsOf", { name: template.name })} size="lg">
      <Stack>
        <Await query={stations}>
          {(page) => page.items.length === 0 ? <Text>{t("desired.noStations")}</Text> : (
            <Table.ScrollContainer className="stacked" minWidth={300} mah="16rem">
              <Table>
                <Table.Thead><Table.Tr><Table.Th>{t("transaction.station")}</Table.Th><Table.Th>{t("desired.mode")}</Table.Th><Table.Th /></Table.Tr></Table.Thead>
                <Table.Tbody>
                  {page.items.slice(0, SHOWN).map((row) => (
                    <Table.Tr key={row.station_id}>
                      <Table.Td><Anchor component={Link} to={`/stations/${encodeURIComponent(row.station_id)}/configuration`}>{row.station_id}</Anchor></Table.Td>
                      <Table.Td>{t(`desired.modes.${row.mode}`)}</Table.Td>
                      <Table.Td>{row.assigned && <Badge color="gray">{t("desired.byHand")}</Badge>}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
              {page.items.length > SHOWN && <Text size="sm" c="dimmed">{t("desired.andMore", { count: page.items.length - SHOWN })}</Text>}
            </Table.ScrollContainer>
          )}
        </Await>
        {may("configuration:write") && (
          <Group align="flex-end">
            <Select label={t("desired.followAll")} allowDeselect={false} data={MODES.map((value) => ({ value, label: t(`desired.modes.${value}`) }))} value={mode} onChange={(value) => setMode((value ?? "off") as Mode)} />
            <Button variant="default" onClick={() => follow.mutate()} loading={follow.isPending}>{t("action.save")}</Button>
          </Group>
        )}
        {error && <Alert color="red" role="alert">{problemText(error)}</Alert>}
        {apply.data && <Run run={apply.data} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t("action.close")}</Button>
          {may("commands:send") && <Button onClick={() => apply.mutate()} loading={apply.isPending}>{t("desired.applyNow")}</Button>}
        </Group>
      </Stack>
    </Window>
  );
}

function Run({ run: begun }: { run: Schemas["RunView"] }) {
  const { t } = useTranslation();
  const key = ["configuration-run", begun.run_id];
  const { data: run = begun } = useQuery({
    queryKey: key,
    queryFn: () => ask(api.GET("/api/v1/configuration-runs/{configuration_run_id}", { params: { path: { configuration_run_id: begun.run_id } } })),
    enabled: begun.total > 0,
  });
  useLiveRefresh(["job.changed"], [key], (event) => event.data.action === "ApplyConfiguration");
  if (begun.total === 0) return <Alert color="yellow">{t("desired.nobodyFollows")}</Alert>;
  return (
    <Stack gap="xs" data-run={run.run_id}>
      <Progress value={(100 * run.finished) / run.total} aria-label={t("desired.progress")} />
      <Text size="sm">{t("desired.finished", { finished: run.finished, total: run.total })}</Text>
      <Group gap="xs">{Object.entries(run.results).map(([result, count]) => <Badge key={result} color={result === "in_step" ? "teal" : "orange"}>{t(`desired.result.${result}`, { defaultValue: result })}: {count}</Badge>)}</Group>
      {begun.busy.length > 0 && <Text size="sm" c="dimmed">{t("desired.busy", { stations: begun.busy.join(", ") })}</Text>}
    </Stack>
  );
}
