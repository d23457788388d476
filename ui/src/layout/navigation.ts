/** Every page that has a place in the menu and in the command palette, and what one must be allowed to see it. */
import { IconAntenna, IconBolt, IconDoor, IconGauge, IconPlugConnected, IconTag, type Icon } from "@tabler/icons-react";

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
      { key: "stations", to: "/stations", icon: IconPlugConnected, needs: "stations:read" },
      { key: "door", to: "/door", icon: IconDoor, needs: "stations:read" },
      { key: "transactions", to: "/transactions", icon: IconBolt, needs: "transactions:read" },
      { key: "tokens", to: "/tokens", icon: IconTag, needs: "tokens:read" },
    ],
  },
  {
    group: "administer",
    places: [
      { key: "messages", to: "/messages", icon: IconAntenna, needs: "messages:read" },
    ],
  },
];
