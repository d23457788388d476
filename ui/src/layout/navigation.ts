/** Every page that has a place in the menu and in the command palette, and what one must be allowed to see it. */
import {
  IconActivity, IconAdjustments, IconAntenna, IconBell, IconBolt, IconBuilding, IconCalendarTime, IconCertificate, IconChecklist, IconDoor, IconGauge, IconKey, IconPlugConnected, IconReportSearch, IconSettings, IconTag, IconUpload, IconUsers, IconWebhook, type Icon,
} from "@tabler/icons-react";

export interface Place {
  key: string;
  to: string;
  icon: Icon;
  /** The permission without which it is neither shown nor reachable. */
  needs: string;
}

export const PLACES: readonly { group: string; places: readonly Place[] }[] = [
  {
    group: "operate",
    places: [
      { key: "overview", to: "/", icon: IconGauge, needs: "stations:read" },
      { key: "alerts", to: "/alerts", icon: IconBell, needs: "alerts:read" },
      { key: "stations", to: "/stations", icon: IconPlugConnected, needs: "stations:read" },
      { key: "door", to: "/door", icon: IconDoor, needs: "stations:read" },
      { key: "transactions", to: "/transactions", icon: IconBolt, needs: "transactions:read" },
      { key: "tokens", to: "/tokens", icon: IconTag, needs: "tokens:read" },
      { key: "reservations", to: "/reservations", icon: IconCalendarTime, needs: "reservations:read" },
    ],
  },
  {
    group: "fleet",
    places: [
      { key: "sites", to: "/sites", icon: IconBuilding, needs: "sites:read" },
      { key: "chargingProfiles", to: "/charging-profiles", icon: IconActivity, needs: "charging_profiles:read" },
      { key: "configuration", to: "/configuration", icon: IconAdjustments, needs: "configuration:read" },
      { key: "firmware", to: "/firmware", icon: IconUpload, needs: "firmware:read" },
      { key: "certificates", to: "/certificates", icon: IconCertificate, needs: "certificates:read" },
    ],
  },
  {
    group: "administer",
    places: [
      { key: "users", to: "/users", icon: IconUsers, needs: "users:read" },
      { key: "apiKeys", to: "/api-keys", icon: IconKey, needs: "api_keys:read" },
      { key: "webhooks", to: "/webhooks", icon: IconWebhook, needs: "webhooks:read" },
      { key: "audit", to: "/audit", icon: IconReportSearch, needs: "audit:read" },
      { key: "conformance", to: "/conformance", icon: IconChecklist, needs: "conformance:run" },
      { key: "messages", to: "/messages", icon: IconAntenna, needs: "messages:read" },
      { key: "settings", to: "/settings", icon: IconSettings, needs: "settings:read" },
    ],
  },
];
