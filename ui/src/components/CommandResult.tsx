import { Alert, Group, Stack, Text, Timeline } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { Json } from "./Json";
import { StateBadge } from "./StateBadge";
import { When } from "./When";

/** The station's answer, shown where the button was, with the life of the job behind it. */
export function CommandResult({ job }: { job: Schemas["JobView"] }) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs" data-job={job.id} data-job-state={job.state}>
      <Group gap="xs">
        <StateBadge state={job.state} />
        {job.result && <StateBadge state={job.result} />}
        <Text size="sm" c="dimmed">{t(`job.${job.state}`, { defaultValue: "" })}</Text>
      </Group>
      {job.warnings?.map((warning) => <Alert key={warning} color="yellow" p="xs">{warning}</Alert>)}
      {job.error && <Alert color="red" p="xs">{job.error.code} – {job.error.description}</Alert>}
      {job.response && <Json value={job.response} maxHeight="16rem" />}
      <Timeline bulletSize={10} lineWidth={2} active={job.finished_at ? 3 : job.sent_at ? 1 : 0}>
        <Timeline.Item title={<Text size="xs">{t("job.life.queued")}: <When at={job.queued_at} /> · {job.requested_by}</Text>} />
        {job.sent_at && <Timeline.Item title={<Text size="xs">{t("job.life.sent")}: <When at={job.sent_at} /></Text>} />}
        {job.answered_at && <Timeline.Item title={<Text size="xs">{t("job.life.answered")}: <When at={job.answered_at} /></Text>} />}
        {job.finished_at && <Timeline.Item title={<Text size="xs">{t("job.life.finished")}: <When at={job.finished_at} /></Text>} />}
      </Timeline>
    </Stack>
  );
}
