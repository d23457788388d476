import { Select, Stack, Switch, Table, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { Await, Failure } from "../../components/Feedback";
import { useSession } from "../../session";

type Rule = Schemas["AlertRuleView"];

const SEVERITIES = ["info", "warning", "critical"] as const;

/** The rules that raise alerts: on or off, and how soon somebody should look. */
export function Rules() {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const rules = useQuery({ queryKey: ["alert-rules"], queryFn: () => ask(api.GET("/api/v1/alert-rules", { params: { query: { limit: 200 } } })) });
  const kinds = useQuery({ queryKey: ["alert-rules", "kinds"], queryFn: () => ask(api.GET("/api/v1/alert-rules/kinds")), staleTime: Infinity });
  const change = useMutation({
    mutationFn: ({ rule, body }: { rule: Rule; body: { enabled?: boolean; severity?: Schemas["Severity"] } }) => ask(api.PATCH("/api/v1/alert-rules/{alert_rule_id}", { params: { path: { alert_rule_id: rule.id } }, body: body as never })),
    onSettled: () => client.invalidateQueries({ queryKey: ["alert-rules"] }),
  });
  const mayWrite = may("alerts:write");
  const words = (rule: Rule) => kinds.data?.items.find((each) => each.name === rule.kind)?.description;
  return (
    <Stack>
      {change.error && <Failure error={change.error} />}
      <Await query={rules}>
        {(page) => (
          <Table.ScrollContainer minWidth={560}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>{t("alert.rule")}</Table.Th><Table.Th w="10rem">{t("alert.severity")}</Table.Th><Table.Th w="6rem">{t("alert.on")}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {page.items.map((rule) => (
                  <Table.Tr key={rule.id} data-rule={rule.kind}>
                    <Table.Td><Text size="sm" fw={500}>{rule.name}</Text><Text size="xs" c="dimmed">{words(rule)}</Text><Text size="xs" c="dimmed" className="mono">{Object.entries(rule.parameters).map(([name, value]) => `${name} = ${String(value)}`).join(", ")}</Text></Table.Td>
                    <Table.Td><Select size="xs" aria-label={`${t("alert.severity")}: ${rule.name}`} data={SEVERITIES.map((value) => ({ value, label: t(`alert.severities.${value}`) }))} value={rule.severity} allowDeselect={false} disabled={!mayWrite} onChange={(severity) => change.mutate({ rule, body: { severity: severity as Schemas["Severity"] } })} /></Table.Td>
                    <Table.Td><Switch aria-label={rule.name} checked={rule.enabled} disabled={!mayWrite} onChange={(event) => change.mutate({ rule, body: { enabled: event.currentTarget.checked } })} /></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Await>
    </Stack>
  );
}
