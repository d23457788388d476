import { Group, Stack, Table, Text } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { Await } from "../../components/Feedback";

/** What each role may do, permission by permission. */
export function RolesTable() {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["roles"], queryFn: () => ask(api.GET("/api/v1/roles")), staleTime: Infinity });
  return (
    <Await query={query}>
      {(page) => {
        const all = [...new Set(page.items.flatMap((each) => each.permissions))].sort();
        const blocks = [...new Set(all.map((permission) => permission.split(":")[0] ?? ""))];
        return (
          <Stack>
            {page.items.map((each) => (
              <Group key={each.role} gap="xs" align="baseline"><Text fw={600}>{t(`role.${each.role}`)}</Text><Text size="sm" c="dimmed">{t(`roleHelp.${each.role}`)}</Text></Group>
            ))}
            <Table.ScrollContainer minWidth={560}>
              <Table stickyHeader>
                <Table.Thead><Table.Tr><Table.Th>{t("user.permission")}</Table.Th>{page.items.map((each) => <Table.Th key={each.role} ta="center">{t(`role.${each.role}`)}</Table.Th>)}</Table.Tr></Table.Thead>
                <Table.Tbody>
                  {blocks.flatMap((block) => all.filter((permission) => permission.startsWith(`${block}:`)).map((permission) => (
                    <Table.Tr key={permission}>
                      <Table.Td><Text size="sm">{t(`permission.block.${block}`)} – {t(`permission.verb.${permission.split(":")[1] ?? ""}`)}</Text><Text size="xs" c="dimmed" className="mono">{permission}</Text></Table.Td>
                      {page.items.map((each) => (
                        <Table.Td key={each.role} ta="center">{each.permissions.includes(permission) ? <IconCheck size={18} role="img" aria-label={t("user.may")} color="var(--mantine-color-teal-6)" /> : <Text span c="dimmed" aria-label={t("user.mayNot")} role="img">–</Text>}</Table.Td>
                      ))}
                    </Table.Tr>
                  )))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          </Stack>
        );
      }}
    </Await>
  );
}
