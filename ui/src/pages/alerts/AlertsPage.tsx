import { Tabs } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Page } from "../../components/Page";
import { TabBar } from "../../components/TabBar";
import { useFilters } from "../../lib/filters";
import { AlertList } from "./AlertList";
import { Emails } from "./Emails";
import { Recipients } from "./Recipients";
import { Rules } from "./Rules";

const TABS = ["standing", "history", "rules", "recipients", "emails"] as const;

/** What needs a person: standing alerts, those of the past, the rules that raise them, who is told, and what was sent. */
export default function AlertsPage() {
  const { t } = useTranslation();
  const [filters, set] = useFilters(["tab"] as const);
  const tab = TABS.find((each) => each === filters.tab) ?? "standing";
  return (
    <Page title={t("nav.alerts")} lead={t("alert.lead")}>
      <Tabs value={tab} onChange={(value) => set("tab", value === "standing" ? null : value)} keepMounted={false}>
        <TabBar tabs={TABS} current={tab} label={(each) => t(`alert.tab.${each}`)} />
        <Tabs.Panel value="standing"><AlertList states={["open", "acknowledged"]} /></Tabs.Panel>
        <Tabs.Panel value="history"><AlertList states={["cleared"]} /></Tabs.Panel>
        <Tabs.Panel value="rules"><Rules /></Tabs.Panel>
        <Tabs.Panel value="recipients"><Recipients /></Tabs.Panel>
        <Tabs.Panel value="emails"><Emails /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}
