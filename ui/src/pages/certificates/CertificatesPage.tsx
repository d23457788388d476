import { Tabs } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Page } from "../../components/Page";
import { TabBar } from "../../components/TabBar";
import { useFilters } from "../../lib/filters";
import { Authorities } from "./Authorities";
import { Inventory } from "./Inventory";
import { OwnCertificates } from "./OwnCertificates";

const TABS = ["inventory", "authorities", "own"] as const;

/** Who is trusted, what was issued, and until when: certificates of stations, authorities, and our own. */
export default function CertificatesPage() {
  const { t } = useTranslation();
  const [filters, set] = useFilters(["tab"] as const);
  const tab = TABS.find((each) => each === filters.tab) ?? "inventory";
  return (
    <Page title={t("nav.certificates")} lead={t("certificates.lead")}>
      <Tabs value={tab} onChange={(value) => set("tab", value === "inventory" ? null : value)} keepMounted={false}>
        <TabBar tabs={TABS} current={tab} label={(each) => t(`certificates.tab.${each}`)} />
        <Tabs.Panel value="inventory"><Inventory /></Tabs.Panel>
        <Tabs.Panel value="authorities"><Authorities /></Tabs.Panel>
        <Tabs.Panel value="own"><OwnCertificates /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}
