import { Tabs } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Page } from "../../components/Page";
import { Drift } from "./Drift";
import { Templates } from "./Templates";

/** What stations' keys should hold, and which do not. */
export default function ConfigurationPage() {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  return (
    <Page title={t("nav.configuration")} lead={t("desired.lead")}>
      <Tabs value={search.get("tab") ?? "drift"} onChange={(tab) => setSearch(tab === "drift" || tab === null ? {} : { tab })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="drift">{t("desired.drift")}</Tabs.Tab>
          <Tabs.Tab value="templates">{t("desired.templates")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="drift"><Drift /></Tabs.Panel>
        <Tabs.Panel value="templates"><Templates /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}
