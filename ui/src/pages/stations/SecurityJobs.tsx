/** The jobs that change how a station proves who it is: a new password, a higher profile, a new certificate. One at a time. */
import { Button, Card, Checkbox, Group, SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { useConfirm } from "../../components/confirm";
import { Await } from "../../components/Feedback";
import { FormModal } from "../../components/FormModal";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import type { Station } from "./StationPage";

type Job = Schemas["JobView"];

const ACTIONS = ["RotatePassword", "RaiseSecurityProfile", "RenewCertificate"];
const HIGHEST_PROFILE = 3;

export function SecurityJobs({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const [raising, setRaising] = useState(false);
  const params = { path: { station_id: station.id } };
  const key = ["security-jobs", station.id];
  const query = useQuery({ queryKey: key, queryFn: () => latest(station.id) });
  useLiveRefresh(["job."], [key], (event) => event.station_id === station.id);
  const fresh = () => client.invalidateQueries({ queryKey: key });
  const rotate = () =>
    confirm({
      title: t("securityJob.rotate.title", { station: station.id }),
      text: t("securityJob.rotate.text"),
      confirm: t("securityJob.rotate.do"),
      act: async () => { await ask(api.POST("/api/v1/stations/{station_id}/rotate-password", { params })); await fresh(); },
    });
  const renew = () =>
    confirm({
      title: t("securityJob.renew.title", { station: station.id }),
      text: t("securityJob.renew.text"),
      confirm: t("securityJob.renew.do"),
      act: async () => { await ask(api.POST("/api/v1/stations/{station_id}/renew-certificate", { params, body: { set_operator_name: false } as never })); await fresh(); },
    });
  const cancel = () =>
    confirm({
      title: t("securityJob.cancel.title"),
      text: t("securityJob.cancel.text"),
      confirm: t("securityJob.cancel.do"),
      act: async () => { await ask(api.POST("/api/v1/stations/{station_id}/cancel-security-job", { params })); await fresh(); },
    });
  const allowed = may("certificates:write") && may("commands:send") && may("commands:dangerous");
  const busy = query.data ? query.data.finished_at === null : query.isPending;
  return (
    <Card>
      <Title order={2} size="h4" mb={4}>{t("securityJob.title")}</Title>
      <Text size="sm" c="dimmed" mb="sm">{t("securityJob.lead", { profile: station.security_profile })}</Text>
      {allowed && (
        <Group gap="xs" mb="sm">
          <Button variant="default" size="xs" disabled={busy} onClick={rotate}>{t("securityJob.rotate.do")} …</Button>
          <Button variant="default" size="xs" disabled={busy || station.security_profile >= HIGHEST_PROFILE} onClick={() => setRaising(true)}>{t("securityJob.raise.do")} …</Button>
          <Button variant="default" size="xs" disabled={busy} onClick={renew}>{t("securityJob.renew.do")} …</Button>
        </Group>
      )}
      <Await query={query}>
        {(job) => job && (
          <Stack gap="xs" data-security-job={job.action}>
            <Group justify="space-between">
              <Text fw={600}>{t(`securityJob.action.${job.action}`)}</Text>
              {allowed && job.finished_at === null && <Button variant="default" size="compact-xs" onClick={cancel}>{t("securityJob.cancel.do")}</Button>}
            </Group>
            <CommandResult key={job.id} job={job} />
          </Stack>
        )}
      </Await>
      {raising && <Raise station={station} onClose={() => setRaising(false)} onBegun={fresh} />}
    </Card>
  );
}

function Raise({ station, onClose, onBegun }: { station: Station; onClose: () => void; onBegun: () => Promise<unknown> }) {
  const { t } = useTranslation();
  const profiles = [1, 2, 3].filter((profile) => profile > station.security_profile).map(String);
  const [profile, setProfile] = useState(profiles[0] ?? "");
  const [reset, setReset] = useState(false);
  const raise = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/stations/{station_id}/raise-security-profile", { params: { path: { station_id: station.id } }, body: { security_profile: Number(profile), reset } })),
    onSuccess: async () => { await onBegun(); onClose(); },
  });
  const submit = (event: FormEvent) => { event.preventDefault(); raise.mutate(); };
  return (
    <FormModal title={t("securityJob.raise.title", { station: station.id })} onClose={onClose} onSubmit={submit} error={raise.error} pending={raise.isPending} submit={t("securityJob.raise.do")}>
      <Text size="sm">{t("securityJob.raise.text")}</Text>
      <SegmentedControl aria-label={t("securityJob.raise.profile")} value={profile} onChange={setProfile} data={profiles.map((value) => ({ value, label: t("securityJob.raise.to", { profile: value }) }))} />
      <Checkbox checked={reset} onChange={(event) => setReset(event.currentTarget.checked)} label={t("securityJob.raise.reset")} />
    </FormModal>
  );
}

/** The newest of a station's security jobs, or null. */
async function latest(stationId: string): Promise<Job | null> {
  const pages = await Promise.all(ACTIONS.map((action) => ask(api.GET("/api/v1/jobs", { params: { query: { station_id: stationId, action, limit: 1 } } }))));
  const jobs = pages.flatMap((page) => page.items as Job[]);
  return jobs.sort((one, other) => other.queued_at.localeCompare(one.queued_at))[0] ?? null;
}
