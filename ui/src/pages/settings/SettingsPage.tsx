import { Anchor, Badge, Code, Group, Paper, SegmentedControl, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { Facts } from "../../components/DataTable";
import { Await, Empty } from "../../components/Feedback";
import { Copy } from "../../components/Json";
import { Page } from "../../components/Page";
import { useFilters } from "../../lib/filters";

type Setting = Schemas["SettingView"];

/** The configuration of the node that answers, with where each value came from. It is changed where it was made. */
export default function SettingsPage() {
  const { t } = useTranslation();
  const [filters, set] = useFilters(["search", "show"] as const);
  const settings = useQuery({ queryKey: ["settings"], queryFn: () => ask(api.GET("/api/v1/settings")) });
  const about = useQuery({ queryKey: ["about"], queryFn: () => ask(api.GET("/api/v1/about")), staleTime: Infinity });
  const wanted = (filters.search ?? "").toLowerCase();
  const changedOnly = filters.show === "changed";
  const fits = (item: Setting) => `${item.key} ${item.description} ${item.variable} ${item.value ?? ""}`.toLowerCase().includes(wanted) && !(changedOnly && item.source === "default");
  return (
    <Page title={t("nav.settings")} lead={t("settings.lead")}>
      {about.data && (
        <Paper withBorder p="sm">
          <Facts rows={[
            [t("settings.version"), about.data.version],
            [t("settings.node"), about.data.node_id],
            [t("settings.stationsAt"), <Stack key="u" gap={2}>{[about.data.station_urls.wss, about.data.station_urls.ws].filter((url) => url !== null).map((url) => <Group key={url} gap={4}><Code>{url}</Code><Copy text={url} /></Group>)}</Stack>],
            [t("settings.api"), <Anchor key="a" href="/api/v1/docs">/api/v1/docs</Anchor>],
          ]} />
        </Paper>
      )}
      <Group gap="xs" align="flex-end">
        <TextInput type="search" label={t("filter.search")} leftSection={<IconSearch size={16} aria-hidden />} value={filters.search ?? ""} onChange={(event) => set("search", event.currentTarget.value)} w="20rem" maw="100%" />
        <SegmentedControl aria-label={t("settings.show")} value={changedOnly ? "changed" : "all"} onChange={(value) => set("show", value === "all" ? null : value)} data={[{ value: "all", label: t("settings.all") }, { value: "changed", label: t("settings.changed") }]} />
      </Group>
      <Await query={settings}>
        {(page) => {
          const shown = page.items.filter(fits);
          const sections = [...new Set(shown.map((item) => item.key.split(".")[0] ?? ""))];
          if (shown.length === 0) return <Empty title={t("settings.none.title")}>{t("settings.none.text")}</Empty>;
          return (
            <Stack>
              {sections.map((section) => (
                <section key={section} aria-label={section}>
                  <Title order={2} size="h4" mb={4}>{section}</Title>
                  <Rows items={shown.filter((item) => item.key.startsWith(`${section}.`))} />
                </section>
              ))}
            </Stack>
          );
        }}
      </Await>
    </Page>
  );
}

function Rows({ items }: { items: Setting[] }) {
  const { t } = useTranslation();
  return (
    <Table.ScrollContainer className="stacked" minWidth={560}>
      <Table layout="fixed">
        <Table.Thead><Table.Tr><Table.Th w="55%">{t("settings.key")}</Table.Th><Table.Th>{t("configuration.value")}</Table.Th><Table.Th w="11rem">{t("settings.source")}</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {items.map((item) => (
            <Table.Tr key={item.key} data-setting={item.key}>
              <Table.Td><Stack gap={2}><Text size="sm" fw={500}>{item.key}</Text><Text size="xs" c="dimmed">{item.description}</Text><Text size="xs" c="dimmed" className="mono">{item.variable}</Text></Stack></Table.Td>
              <Table.Td className="wrap-anywhere mono" data-line>
                {item.value ?? "–"}
                {item.source !== "default" && !item.secret && <Text size="xs" c="dimmed">{t("settings.default", { value: item.default ?? "–" })}</Text>}
              </Table.Td>
              <Table.Td><Badge color={item.source === "default" ? "gray" : "blue"} maw="100%" title={item.source}>{item.source === "default" ? t("settings.isDefault") : item.source}</Badge></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
