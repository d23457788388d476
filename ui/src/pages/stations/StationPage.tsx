import { Alert, Button, Group, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { Await } from "../../components/Feedback";
import { Page } from "../../components/Page";
import { StateBadge } from "../../components/StateBadge";
import { TabBar } from "../../components/TabBar";
import { When } from "../../components/When";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { LocalListTab } from "../authorization/LocalListTab";
import { FirmwareTab } from "../firmware/FirmwareTab";
import { MessageLog } from "../messages/MessageLog";
import { ReservationTable } from "../reservations/ReservationTable";
import { ChargingTab } from "../smart_charging/ChargingTab";
import { CertificatesTab } from "./CertificatesTab";
import { CommandsTab } from "./CommandsTab";
import { ConfigurationTab } from "./ConfigurationTab";
import { ConnectorsTab } from "./ConnectorsTab";
import { ContestBanner } from "./ContestBanner";
import { EventsTab } from "./EventsTab";
import { SettingsTab } from "./SettingsTab";
import { TransactionsTab } from "./TransactionsTab";

export type Station = Schemas["StationView"];

interface TabOf {
  key: string;
  needs: string;
  Content: (props: { station: Station }) => React.ReactNode;
}

/** What a station's page shows; other blocks add their own here. */
const TABS: readonly TabOf[] = [
  { key: "connectors", needs: "stations:read", Content: ConnectorsTab },
  { key: "commands", needs: "commands:send", Content: CommandsTab },
  { key: "transactions", needs: "transactions:read", Content: TransactionsTab },
  { key: "configuration", needs: "configuration:read", Content: ConfigurationTab },
  { key: "charging", needs: "charging_profiles:read", Content: ChargingTab },
  { key: "reservations", needs: "reservations:read", Content: ({ station }) => <ReservationTable stationId={station.id} /> },
  { key: "localList", needs: "tokens:read", Content: LocalListTab },
  { key: "firmware", needs: "firmware:read", Content: FirmwareTab },
  { key: "certificates", needs: "stations:read", Content: CertificatesTab },
  { key: "messages", needs: "messages:read", Content: ({ station }) => <MessageLog stationId={station.id} /> },
  { key: "events", needs: "stations:read", Content: EventsTab },
  { key: "settings", needs: "stations:read", Content: SettingsTab },
];

export default function StationPage() {
  const { t } = useTranslation();
  const { stationId = "", "*": rest = "" } = useParams();
  const navigate = useNavigate();
  const { may } = useSession();
  const query = useQuery({
    queryKey: ["station", stationId],
    queryFn: () => ask(api.GET("/api/v1/stations/{station_id}", { params: { path: { station_id: stationId } } })),
  });
  useLiveRefresh(["station."], [["station", stationId]], (event) => event.station_id === stationId);
  const open = TABS.filter((tab) => may(tab.needs));
  const current = open.some((tab) => tab.key === rest) ? rest : "connectors";
  return (
    <Page title={query.data?.name ?? stationId} crumbs={[{ label: t("nav.stations"), to: "/stations" }]} lead={query.data && <Lead station={query.data} />}>
      <Await query={query}>
        {(station) => (
          <>
            {station.contested_since && <ContestBanner station={station} since={station.contested_since} />}
            {station.security_profile === 0 && <Alert role="note" color="red">{t("station.insecure")}</Alert>}
            <Tabs value={current} onChange={(key) => void navigate(`/stations/${encodeURIComponent(stationId)}/${key ?? ""}`)} keepMounted={false}>
              <TabBar tabs={open.map((tab) => tab.key)} current={current} label={(key) => t(`station.tab.${key}`)} />
              {open.map(({ key, Content }) => <Tabs.Panel key={key} value={key}><Content station={station} /></Tabs.Panel>)}
            </Tabs>
          </>
        )}
      </Await>
    </Page>
  );
}

function Lead({ station }: { station: Station }) {
  const { t } = useTranslation();
  return (
    <Group gap="xs">
      <StateBadge state={station.connected ? "online" : "offline"} />
      <StateBadge state={station.reported_state ?? station.operator_state} />
      {station.name && <Text size="sm" span>{station.id}</Text>}
      <Text size="sm" span>{[station.vendor, station.model, station.firmware_version].filter(Boolean).join(" · ")}</Text>
      <Text size="sm" span>{t("station.lastSeen")}: <When at={station.last_seen_at} ago /></Text>
    </Group>
  );
}

export function RefreshButton({ onClick }: { onClick: () => void }) {
  const { t } = useTranslation();
  return <Button variant="default" size="xs" onClick={onClick}>{t("action.refresh")}</Button>;
}
