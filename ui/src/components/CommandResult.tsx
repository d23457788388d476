import { Alert, Group, Stack, Text, Timeline } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../api/client";
import { useEvents } from "../live/events";
import { Json } from "./Json";
import { StateBadge } from "./StateBadge";
import { When } from "./When";

type Job = Schemas["JobView"];
/** Events tell when a job goes on; this is for those that were missed. */
const LOOK_AGAIN_MS = 10_000;

/** The station's answer, shown where the button was, and the life of the job behind it, which goes on (a reset waits for the boot). */
export function CommandResult({ job: given }: { job: Job }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const key = ["job", given.id];
  const { data: job } = useQuery({
    queryKey: key,
    queryFn: () => ask(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: given.id } } })),
    initialData: given as Exclude<Job, string>,
    staleTime: Infinity,
    refetchInterval: (query) => (query.state.data?.finished ? false : LOOK_AGAIN_MS),
  });
  useEvents(["job.changed"], (event) => {
    if (event.data.id === given.id) void client.invalidateQueries({ queryKey: key });
  });
  return (
    <Stack gap="xs" data-job={job.id} data-job-state={job.state}>
      <Group gap="xs">
        <StateBadge state={job.state} />
        {job.result && <StateBadge state={job.result} />}
        <Text size="sm" c="dimmed">{t(`job.${job.state}`, { defaultValue: "" })}</Text>
      </Group>
      {job.warnings?.map((warning) => <Alert role="note" key={warning} color="yellow" p="xs">{warning}</Alert>)}
      {job.error && <Alert role="note" color="red" p="xs" className="wrap-anywhere">{job.error.code} – {job.error.description}</Alert>}
      {job.response && <Json value={job.response} maxHeight="16rem" />}
      <Timeline bulletSize={10} lineWidth={2} active={job.finished_at ? 3 : job.answered_at ? 2 : job.sent_at ? 1 : 0}>
        <Timeline.Item title={<Text size="xs">{t("job.life.queued")}: <When at={job.queued_at} /> · {job.requested_by}</Text>} />
        {job.sent_at && <Timeline.Item title={<Text size="xs">{t("job.life.sent")}: <When at={job.sent_at} /></Text>} />}
        {job.answered_at && <Timeline.Item title={<Text size="xs">{t("job.life.answered")}: <When at={job.answered_at} /></Text>} />}
        {job.finished_at && <Timeline.Item title={<Text size="xs">{t("job.life.finished")}: <When at={job.finished_at} /></Text>} />}
      </Timeline>
    </Stack>
  );
}
