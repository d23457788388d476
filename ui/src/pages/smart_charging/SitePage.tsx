import { Alert, Button, Tabs } from "@mantine/core";
import { IconSettings } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { api, ask } from "../../api/client";
import { Await } from "../../components/Feedback";
import { Page } from "../../components/Page";
import { TabBar } from "../../components/TabBar";
import { useFilters } from "../../lib/filters";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { limitsInWords } from "./limits";
import { SiteConnectors } from "./SiteConnectors";
import { SiteDecisions } from "./SiteDecisions";
import { SiteForm } from "./SiteForm";
import { SiteNow } from "./SiteNow";
import { SiteSchedules } from "./SiteSchedules";

const TABS = ["now", "connectors", "schedules", "decisions"] as const;
const REFRESH_MS = 1_000;

/** A site: who gets what now and why, the day's curve against the limit, its connectors, what was decided. */
export default function SitePage() {
  const { t, i18n } = useTranslation();
  const { may } = useSession();
  const { siteId = "" } = useParams();
  const [filters, set] = useFilters(["tab"] as const);
  const [editing, setEditing] = useState(false);
  const tab = TABS.find((each) => each === filters.tab) ?? "now";
  const path = { site_id: siteId };
  const site = useQuery({ queryKey: ["site", siteId], queryFn: () => ask(api.GET("/api/v1/sites/{site_id}", { params: { path } })) });
  // Events of sites name the site in their data; those of other sites cost but one reading.
  useLiveRefresh(["site."], [["site", siteId]], (event) => (event.data.site_id ?? siteId) === siteId, REFRESH_MS);
  const title = site.data?.name ?? siteId;
  const lead = site.data && (site.data.managed ? `${limitsInWords(site.data.limits, i18n.language)} · ${t(`site.policies.${site.data.policy}`)}` : t("site.notManaged"));
  return (
    <Page title={title} lead={lead} crumbs={[{ label: t("nav.sites"), to: "/sites" }]} actions={may("sites:write") && site.data && <Button variant="default" leftSection={<IconSettings size={16} aria-hidden />} onClick={() => setEditing(true)}>{t("site.edit")}</Button>}>
      <Await query={site}>
        {(found) => (
          <>
            {found.warnings.map((warning) => <Alert key={warning.code + warning.message} color={warning.code === "no_limit" ? "blue" : "yellow"} p="xs">{t(`site.warning.${warning.code}`, { defaultValue: warning.message })}</Alert>)}
            <Tabs value={tab} onChange={(value) => set("tab", value === "now" ? null : value)} keepMounted={false}>
              <TabBar tabs={TABS} current={tab} label={(each) => t(`site.tab.${each}`)} />
              <Tabs.Panel value="now"><SiteNow site={found} /></Tabs.Panel>
              <Tabs.Panel value="connectors"><SiteConnectors site={found} /></Tabs.Panel>
              <Tabs.Panel value="schedules"><SiteSchedules siteId={found.id} /></Tabs.Panel>
              <Tabs.Panel value="decisions"><SiteDecisions siteId={found.id} /></Tabs.Panel>
            </Tabs>
            {editing && <SiteForm site={found} onClose={() => setEditing(false)} onSaved={() => setEditing(false)} />}
          </>
        )}
      </Await>
    </Page>
  );
}
