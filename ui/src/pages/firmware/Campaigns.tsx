import { Alert, Anchor, Button, Card, Group, NumberInput, Progress, Select, Stack, Table, TagsInput, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { Await, Empty, Failure, Loading, useProblemText } from "../../components/Feedback";
import { FormModal } from "../../components/FormModal";
import { StateBadge } from "../../components/StateBadge";
import { TimeInput } from "../../components/TimeInput";
import { When } from "../../components/When";
import { Window } from "../../components/Window";
import { usePagedList } from "../../lib/list";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";

type Campaign = Schemas["CampaignView"];
const STEPS: Record<string, ("pause" | "resume" | "cancel")[]> = { scheduled: ["cancel"], running: ["pause", "cancel"], paused: ["resume", "cancel"], stopped: ["resume", "cancel"] };

/** Updates of many stations, in batches, that stop by themselves when too many fail. */
export function Campaigns() {
  const { t } = useTranslation();
  const { may } = useSession();
  const [adding, setAdding] = useState(false);
  const list = usePagedList(["campaigns"], (cursor) => ask(api.GET("/api/v1/firmware-campaigns", { params: { query: { limit: 50, cursor } } })));
  useLiveRefresh(["job.changed", "transfer.status", "firmware_campaign."], [["campaigns"], ["campaign"]]);
  const add = may("firmware:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>{t("campaign.add")}</Button>;
  if (list.error) return <Failure error={list.error} retry={list.refetch} />;
  if (list.loading) return <Loading />;
  return (
    <Stack>
      {list.rows.length === 0 ? <Empty title={t("campaign.none.title")} action={add}>{t("campaign.none.text")}</Empty> : <Group justify="flex-end">{add}</Group>}
      {list.rows.map((row) => <CampaignCard key={row.id} campaign={row} />)}
      {list.more && <Button variant="default" onClick={list.loadMore}>{t("action.more")}</Button>}
      {adding && <AddCampaign onClose={() => setAdding(false)} />}
    </Stack>
  );
}

function CampaignCard({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const problemText = useProblemText();
  const [opened, setOpened] = useState(false);
  const query = useQuery({ queryKey: ["campaign", campaign.id], queryFn: () => ask(api.GET("/api/v1/firmware-campaigns/{campaign_id}", { params: { path: { campaign_id: campaign.id } } })) });
  const step = useMutation({
    mutationFn: (name: "pause" | "resume" | "cancel") => ask(api.POST("/api/v1/firmware-campaigns/{campaign_id}/{step}", { params: { path: { campaign_id: campaign.id, step: name } } })),
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: ["campaigns"] }), client.invalidateQueries({ queryKey: ["campaign", campaign.id] })]),
  });
  return (
    <Card component="article">
      <Stack gap="xs">
        <Group justify="space-between">
          <Group gap="xs"><Text fw={600} className="wrap-anywhere">{campaign.name}</Text><StateBadge state={campaign.state} />{campaign.reason && <Text size="sm" c="dimmed">{campaign.reason}</Text>}</Group>
          <Group gap="xs">
            <Button size="xs" variant="default" onClick={() => setOpened(true)}>{t("nav.stations")}</Button>
            {may("firmware:write") && (STEPS[campaign.state] ?? []).map((name) => <Button key={name} size="xs" variant="default" loading={step.isPending} onClick={() => step.mutate(name)}>{t(`campaign.${name}`)}</Button>)}
          </Group>
        </Group>
        <Text size="sm" c="dimmed"><When at={campaign.starts_at} /> – <When at={campaign.ends_at} /> · {campaign.created_by}</Text>
        <Await query={query}>{({ progress }) => <Tally progress={progress} />}</Await>
        {step.error && <Alert color="red" role="alert">{problemText(step.error)}</Alert>}
      </Stack>
      {opened && <CampaignStations campaign={campaign} onClose={() => setOpened(false)} />}
    </Card>
  );
}

const SHARES = [["done", "teal"], ["updating", "blue"], ["failed", "red"], ["skipped", "gray"], ["cancelled", "gray"]] as const;

function Tally({ progress }: { progress: Schemas["TallyView"] }) {
  const { t } = useTranslation();
  const total = Math.max(1, Object.values(progress).reduce((sum, count) => sum + count, 0));
  return (
    <>
      <Progress.Root size="lg">
        {SHARES.map(([name, color]) => <Progress.Section key={name} value={(progress[name] / total) * 100} color={color} aria-label={t(`value.${name}`)} />)}
      </Progress.Root>
      <Group gap="md">{Object.entries(progress).map(([name, count]) => <Text key={name} size="xs">{t(`value.${name}`, { defaultValue: name })}: {count}</Text>)}</Group>
    </>
  );
}

function CampaignStations({ campaign, onClose }: { campaign: Campaign; onClose: () => void }) {
  const query = useQuery({ queryKey: ["campaign", campaign.id, "stations"], queryFn: () => ask(api.GET("/api/v1/firmware-campaigns/{campaign_id}/stations", { params: { path: { campaign_id: campaign.id }, query: { limit: 1000 } } })) });
  return (
    <Window opened onClose={onClose} title={campaign.name} size="lg">
      <Await query={query}>
        {(page) => (
          <Table.ScrollContainer className="stacked" minWidth={420} mah="60vh"><Table><Table.Tbody>
            {page.items.map((row) => <Table.Tr key={row.station_id}><Table.Td><Anchor component={Link} to={`/stations/${encodeURIComponent(row.station_id)}/firmware`}>{row.station_id}</Anchor></Table.Td><Table.Td><StateBadge state={row.state} /></Table.Td><Table.Td className="wrap-anywhere">{row.detail}</Table.Td><Table.Td><When at={row.finished_at ?? row.started_at} ago /></Table.Td></Table.Tr>)}
          </Table.Tbody></Table></Table.ScrollContainer>
        )}
      </Await>
    </Window>
  );
}

function AddCampaign({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const firmware = useQuery({ queryKey: ["firmware", "all"], queryFn: () => ask(api.GET("/api/v1/firmware", { params: { query: { limit: 1000 } } })) });
  const form = useForm({ initialValues: { name: "", firmware_id: null as string | null, station_ids: [] as string[], starts_at: null as string | null, ends_at: null as string | null, batch_size: 5, failure_limit_percent: 20 } });
  const save = useMutation({
    mutationFn: ({ station_ids, ...values }: typeof form.values) => {
      const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
      return ask(api.POST("/api/v1/firmware-campaigns", { body: { ...given, ...(station_ids.length > 0 && { station_ids }) } as never }));
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["campaigns"] });
      onClose();
    },
  });
  return (
    <FormModal title={t("campaign.add")} onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending}>
      <TextInput label={t("token.name")} required data-autofocus {...form.getInputProps("name")} />
      <Select label={t("nav.firmware")} required searchable data={(firmware.data?.items ?? []).map((row) => ({ value: row.id, label: `${row.name} · ${row.version}` }))} nothingFoundMessage={t("firmware.none.title")} {...form.getInputProps("firmware_id")} />
      <TagsInput label={t("nav.stations")} description={t("campaign.stationsHelp")} {...form.getInputProps("station_ids")} />
      <Group grow><TimeInput label={t("campaign.starts")} {...form.getInputProps("starts_at")} /><TimeInput label={t("campaign.ends")} {...form.getInputProps("ends_at")} /></Group>
      <Group grow align="flex-end"><NumberInput label={t("bulk.stage")} min={1} {...form.getInputProps("batch_size")} /><NumberInput label={t("bulk.limit")} min={0} max={100} suffix=" %" {...form.getInputProps("failure_limit_percent")} /></Group>
    </FormModal>
  );
}
