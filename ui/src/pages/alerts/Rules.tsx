import { Button, Group, Menu, Select, Stack, Switch, Table, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { Await, Failure } from "../../components/Feedback";
import { useSession } from "../../session";
import { RuleForm } from "./RuleForm";
import { RULES, type Rule, SEVERITIES } from "./rules";

type Kind = Schemas["AlertKindView"];

/** The rules that raise alerts: on or off, how soon somebody should look, and all else in a form of its own. */
export function Rules() {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const [editing, setEditing] = useState<{ kind: Kind; row: Rule | null } | null>(null);
  const rules = useQuery({ queryKey: RULES, queryFn: () => ask(api.GET("/api/v1/alert-rules", { params: { query: { limit: 500 } } })) });
  const kinds = useQuery({ queryKey: ["alert-kinds"], queryFn: () => ask(api.GET("/api/v1/alert-rules/kinds")), staleTime: Infinity });
  const change = useMutation({
    mutationFn: ({ rule, body }: { rule: Rule; body: { enabled?: boolean; severity?: Schemas["Severity"] } }) => ask(api.PATCH("/api/v1/alert-rules/{alert_rule_id}", { params: { path: { alert_rule_id: rule.id } }, body: body as never })),
    onSettled: () => client.invalidateQueries({ queryKey: RULES }),
  });
  const mayWrite = may("alerts:write");
  const words = (kind: string) => t(`alert.kind.${kind}`, { defaultValue: kind });
  const nameOf = (rule: Rule) => (rule.name === rule.kind ? words(rule.kind) : rule.name);
  const edit = (rule: Rule) => {
    const kind = kinds.data?.items.find((each) => each.name === rule.kind);
    if (kind) setEditing({ kind, row: rule });
  };
  return (
    <Stack>
      {change.error && <Failure error={change.error} />}
      {mayWrite && (
        <Group justify="flex-end">
          <Menu>
            <Menu.Target><Button leftSection={<IconPlus size={16} aria-hidden />}>{t("alert.addRule")}</Button></Menu.Target>
            <Menu.Dropdown mah="60dvh" style={{ overflow: "auto" }}>{kinds.data?.items.map((kind) => <Menu.Item key={kind.name} onClick={() => setEditing({ kind, row: null })}>{words(kind.name)}</Menu.Item>)}</Menu.Dropdown>
          </Menu>
        </Group>
      )}
      <Await query={rules}>
        {(page) => (
          <Table.ScrollContainer className="stacked" minWidth={620}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>{t("alert.rule")}</Table.Th><Table.Th w="10rem">{t("alert.severity")}</Table.Th><Table.Th w="5rem">{t("alert.on")}</Table.Th><Table.Th w="7rem" aria-label={t("action.edit")} /></Table.Tr></Table.Thead>
              <Table.Tbody>
                {page.items.map((rule) => (
                  <Table.Tr key={rule.id} data-rule={rule.kind}>
                    <Table.Td><Text size="sm" fw={500}>{nameOf(rule)}</Text><Text size="xs" c="dimmed">{t(`alert.kindText.${rule.kind}`, { defaultValue: "" })}</Text><Text size="xs" c="dimmed"><Tuning rule={rule} /></Text></Table.Td>
                    <Table.Td><Select size="xs" aria-label={`${t("alert.severity")}: ${nameOf(rule)}`} data={SEVERITIES.map((value) => ({ value, label: t(`alert.severities.${value}`) }))} value={rule.severity} allowDeselect={false} disabled={!mayWrite} onChange={(severity) => change.mutate({ rule, body: { severity: severity as Schemas["Severity"] } })} /></Table.Td>
                    <Table.Td><Switch aria-label={nameOf(rule)} checked={rule.enabled} disabled={!mayWrite} onChange={(event) => change.mutate({ rule, body: { enabled: event.currentTarget.checked } })} /></Table.Td>
                    <Table.Td>{mayWrite && <Group justify="flex-end"><Button size="compact-xs" variant="default" onClick={() => edit(rule)}>{t("action.edit")}</Button></Group>}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Await>
      {editing && <RuleForm kind={editing.kind} row={editing.row} onClose={() => setEditing(null)} />}
    </Stack>
  );
}

/** In one line: its numbers, and where it looks and whom it tells if that is not everywhere and everybody. */
function Tuning({ rule }: { rule: Rule }) {
  const { t } = useTranslation();
  const parts = Object.entries(rule.parameters).map(([name, value]) => `${t(`alert.parameter.${name}`, { defaultValue: name })}: ${value}`);
  if (rule.site_ids) parts.push(`${t("user.sites")}: ${rule.site_ids.join(", ")}`);
  if (rule.recipient_ids) parts.push(`${t("alert.told")}: ${rule.recipient_ids.length === 0 ? t("alert.toldWhom.none") : t("alert.toldWhom.some")}`);
  return parts.join(" · ");
}
