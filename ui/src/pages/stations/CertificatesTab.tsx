/** What the station trusts and is trusted by: its certificates, the roots it holds, and the security events it told of. */
import { Alert, Button, Card, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { useConfirm } from "../../components/confirm";
import { Await, Empty, useProblemText } from "../../components/Feedback";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { usePagedList } from "../../lib/list";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { SecurityJobs } from "./SecurityJobs";
import type { Station } from "./StationPage";

type Root = Schemas["RootView"];
type Job = Schemas["JobView"];

export function CertificatesTab({ station }: { station: Station }) {
  const { may } = useSession();
  return (
    <Stack>
      {may("certificates:read") && <><SecurityJobs station={station} /><Own station={station} /><Roots station={station} /></>}
      <SecurityEvents station={station} />
    </Stack>
  );
}

function Own({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const path = { station_id: station.id };
  const key = ["certificates", station.id];
  const query = useQuery({ queryKey: key, queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/certificates", { params: { path } })) });
  useLiveRefresh(["job."], [key], (event) => event.station_id === station.id);
  const revoke = (certificate: Schemas["CertificateView"]) =>
    confirm({
      title: t("certificate.revoke.title", { number: certificate.serial_number }),
      text: t("certificate.revoke.text"),
      confirm: t("certificate.revoke.do"),
      act: async () => {
        await ask(api.POST("/api/v1/certificates/{certificate_id}/revoke", { params: { path: { certificate_id: certificate.id } }, body: {} as never }));
        await client.invalidateQueries({ queryKey: key });
      },
    });
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{t("certificate.own")}</Title>
      <Await query={query}>
        {(page) => page.items.length === 0 ? <Text c="dimmed">{t("certificate.none")}</Text> : (
          <Table.ScrollContainer className="stacked" minWidth={560}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>{t("certificate.subject")}</Table.Th><Table.Th>{t("station.state")}</Table.Th><Table.Th>{t("certificate.serial")}</Table.Th><Table.Th>{t("certificate.until")}</Table.Th><Table.Th /></Table.Tr></Table.Thead>
              <Table.Tbody>
                {page.items.map((row) => (
                  <Table.Tr key={row.id} data-certificate={row.serial_number}>
                    <Table.Td className="wrap-anywhere">{row.subject}<Text size="xs" c="dimmed" className="wrap-anywhere">{row.issuer}</Text></Table.Td>
                    <Table.Td><StateBadge state={row.state} title={row.state_reason ?? undefined} /></Table.Td>
                    <Table.Td className="mono wrap-anywhere" data-label={t("certificate.serial")}>{row.serial_number}</Table.Td>
                    <Table.Td data-label={t("certificate.until")}><When at={row.not_after} /></Table.Td>
                    <Table.Td>{may("certificates:write") && row.state !== "revoked" && <Button size="compact-xs" variant="default" onClick={() => revoke(row)}>{t("certificate.revoke.do")}</Button>}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Await>
    </Card>
  );
}

function Roots({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const problemText = useProblemText();
  const client = useQueryClient();
  const confirm = useConfirm();
  const path = { station_id: station.id };
  const key = ["roots", station.id];
  const query = useQuery({ queryKey: key, queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/roots", { params: { path } })) });
  const refresh = useMutation({
    mutationFn: async () => {
      const jobs: Job[] = [];
      for (const use of ["central_system", "manufacturer"] as const) jobs.push((await ask(api.POST("/api/v1/stations/{station_id}/roots/refresh", { params: { path }, body: { use } }))) as Job);
      return jobs;
    },
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
  const remove = (root: Root) =>
    confirm({
      title: t("certificate.removeRoot.title", { number: root.serial_number }),
      text: t("certificate.removeRoot.text"),
      confirm: t("action.delete"),
      act: async () => {
        const { hash_algorithm, issuer_name_hash, issuer_key_hash, serial_number } = root;
        await ask(api.POST("/api/v1/stations/{station_id}/roots/delete", { params: { path }, body: { hash_algorithm, issuer_name_hash, issuer_key_hash, serial_number } as never }));
        await client.invalidateQueries({ queryKey: key });
      },
    });
  return (
    <Card>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">{t("certificate.roots")}</Title>
        {may("commands:send") && <Button variant="default" size="xs" disabled={!station.connected} loading={refresh.isPending} onClick={() => refresh.mutate()}>{t("certificate.readRoots")}</Button>}
      </Group>
      {refresh.error && <Alert color="red" role="alert" mb="xs">{problemText(refresh.error)}</Alert>}
      {refresh.data?.map((job) => <CommandResult key={job.id} job={job} />)}
      <Await query={query}>
        {(page) => page.items.length === 0 ? <Text c="dimmed">{t("certificate.noRoots")}</Text> : (
          <Table.ScrollContainer className="stacked" minWidth={480}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>{t("certificate.use")}</Table.Th><Table.Th>{t("certificate.authority")}</Table.Th><Table.Th>{t("certificate.serial")}</Table.Th><Table.Th>{t("certificate.reported")}</Table.Th><Table.Th /></Table.Tr></Table.Thead>
              <Table.Tbody>
                {page.items.map((root) => (
                  <Table.Tr key={`${root.issuer_key_hash}|${root.serial_number}`} data-root={root.serial_number}>
                    <Table.Td>{t(`certificate.uses.${root.use}`)}</Table.Td>
                    <Table.Td className="wrap-anywhere">{root.authority_name ?? t("certificate.notOurs")}</Table.Td>
                    <Table.Td className="mono wrap-anywhere" data-label={t("certificate.serial")}>{root.serial_number}</Table.Td>
                    <Table.Td data-label={t("certificate.reported")}><When at={root.reported_at} ago />{root.in_doubt && <Text size="xs" c="dimmed">{t("certificate.inDoubt")}</Text>}</Table.Td>
                    <Table.Td>{may("certificates:write") && may("commands:dangerous") && <Button size="compact-xs" variant="default" disabled={!station.connected} onClick={() => remove(root)}>{t("action.delete")}</Button>}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Await>
    </Card>
  );
}

function SecurityEvents({ station }: { station: Station }) {
  const { t } = useTranslation();
  const key = ["security-events", station.id];
  const list = usePagedList(key, (cursor) => ask(api.GET("/api/v1/security-events", { params: { query: { station_id: station.id, limit: 50, cursor } } })));
  useLiveRefresh(["security."], [key], (event) => event.station_id === station.id);
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{t("station.securityEvents")}</Title>
      <Await query={{ data: list.loading ? undefined : list.rows, error: list.error, isPending: list.loading, refetch: list.refetch }}>
        {(rows) => rows.length === 0 ? <Empty title={t("station.noSecurityEvents")}>{t("station.noSecurityEventsText")}</Empty> : (
          <Table.ScrollContainer className="stacked" minWidth={480}>
            <Table>
              <Table.Tbody>
                {rows.map((event) => (
                  <Table.Tr key={`${event.type}|${event.occurred_at}|${event.received_at}`} data-security-event={event.type}>
                    <Table.Td>{event.type} {event.critical && <StateBadge state="critical" />}</Table.Td>
                    <Table.Td>{t(`certificate.source.${event.source}`, { defaultValue: event.source })}</Table.Td>
                    <Table.Td className="wrap-anywhere">{event.technical_info}</Table.Td>
                    <Table.Td><When at={event.occurred_at} /></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Await>
      {list.more && <Button variant="default" onClick={list.loadMore}>{t("action.more")}</Button>}
    </Card>
  );
}
