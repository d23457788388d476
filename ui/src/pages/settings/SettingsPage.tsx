import { Badge, Stack, Table, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { Await } from "../../components/Feedback";
import { Page } from "../../components/Page";

/** The configuration of the node that answers, with where each value came from. It is changed where it was made. */
export default function SettingsPage() {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const settings = useQuery({ queryKey: ["settings"], queryFn: () => ask(api.GET("/api/v1/settings")) });
  const about = useQuery({ queryKey: ["about"], queryFn: () => ask(api.GET("/api/v1/about")) });
  const wanted = search.toLowerCase();
  return (
    <Page title={t("nav.settings")} lead={about.data && t("settings.lead", { version: about.data.version, node: about.data.node_id })}>
      <TextInput label={t("filter.search")} value={search} onChange={(event) => setSearch(event.currentTarget.value)} maw="20rem" />
      <Await query={settings}>
        {(page) => (
          <Table.ScrollContainer minWidth={560}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>{t("settings.key")}</Table.Th><Table.Th>{t("configuration.value")}</Table.Th><Table.Th>{t("settings.source")}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {page.items.filter((item) => `${item.key} ${item.description}`.toLowerCase().includes(wanted)).map((item) => (
                  <Table.Tr key={item.key}>
                    <Table.Td><Stack gap={2}><Text size="sm" fw={500}>{item.key}</Text><Text size="xs" c="dimmed">{item.description}</Text><Text size="xs" c="dimmed" className="mono">{item.variable}</Text></Stack></Table.Td>
                    <Table.Td className="wrap-anywhere mono">{item.value ?? "–"}</Table.Td>
                    <Table.Td><Badge color={item.source === "default" ? "gray" : "blue"}>{item.source}</Badge></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Await>
    </Page>
  );
}
