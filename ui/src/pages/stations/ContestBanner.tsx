import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { useProblemText } from "../../components/Feedback";
import { When } from "../../components/When";
import { useSession } from "../../session";
import type { Station } from "./StationPage";

/** While two devices claim a station's identity: which one is in, which one is kept out, and the end of it. */
export function ContestBanner({ station, since }: { station: Station; since: string }) {
  const { t } = useTranslation();
  const keptOut = useQuery({
    queryKey: ["station", station.id, "kept-out"],
    queryFn: () => ask(api.GET("/api/v1/refused-handshakes", { params: { query: { station_id: station.id, reason: "contested", since, limit: 5 } } })),
  });
  const within = station.connected ? station.remote_address : null;
  const without = (keptOut.data?.items ?? []).filter((refusal) => refusal.remote_address !== within);
  return (
    <Alert role="alert" color="red" icon={<IconAlertTriangle />} title={t("station.contest.title")} data-contest={station.id}>
      <Stack gap={4}>
        <Text size="sm">{t("station.contest.text")}</Text>
        <Text size="sm">{t("station.contest.since")}: <When at={since} /></Text>
        <Text size="sm" data-contest-in>{within ? `${t("station.contest.in")}: ${within}` : t("station.contest.nobody")}</Text>
        {without.map((refusal) => (
          <Text key={refusal.remote_address} size="sm" data-contest-out={refusal.remote_address}>
            {t("station.contest.out")}: {refusal.remote_address} (<When at={refusal.last_at} ago />)
          </Text>
        ))}
        <Text size="sm" fw={500}>{t("station.contest.advice")}</Text>
        <Settle station={station} />
      </Stack>
    </Alert>
  );
}

function Settle({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const problemText = useProblemText();
  const settle = useMutation({
    mutationFn: (disconnect: boolean) =>
      ask(api.POST("/api/v1/stations/{station_id}/settle-identity", { params: { path: { station_id: station.id } }, body: { disconnect } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["station", station.id] }),
  });
  if (!may("stations:write")) return null;
  const sendAway = () =>
    confirm({
      title: t("station.contest.letIn"),
      text: t("station.contest.letInText", { address: station.remote_address }),
      confirm: t("station.contest.letIn"),
      act: () => settle.mutateAsync(true),
    });
  return (
    <>
      <Group gap="xs">
        <Button size="xs" loading={settle.isPending} onClick={() => settle.mutate(false)}>{t("station.contest.settle")}</Button>
        {station.connected && <Button size="xs" variant="default" disabled={settle.isPending} onClick={sendAway}>{t("station.contest.letIn")} …</Button>}
      </Group>
      {settle.error && <Text size="sm" role="status">{problemText(settle.error)}</Text>}
    </>
  );
}
