import { Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import { IconBuilding, IconKeyboard, IconLogout, IconMoon, IconPlugConnected, IconPlus, IconSearch, IconSun, type Icon } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, ask } from "../api/client";
import { useSession } from "../session";
import { useScheme } from "./Looks";
import { PLACES } from "./navigation";
import { selectSomething, store } from "./spotlight";

const FOUND = 8;

/** What can be begun from anywhere: the page opens with its window. */
const BEGINNINGS: readonly { key: string; to: string; needs: string }[] = [
  { key: "addStation", to: "/stations?new=1", needs: "stations:write" },
  { key: "addSite", to: "/sites?new=1", needs: "sites:write" },
  { key: "runKit", to: "/conformance?new=1", needs: "conformance:run" },
  { key: "addUser", to: "/users?new=1", needs: "users:write" },
  { key: "addKey", to: "/api-keys?new=1", needs: "api_keys:write" },
];

/** Ctrl-K: every page, any station or site by a part of its name, and what can be done from anywhere. */
export default function Palette({ onHelp }: { onHelp: () => void }) {
  const { t } = useTranslation();
  const { may, signOut } = useSession();
  const navigate = useNavigate();
  const { dark, turn } = useScheme();
  const [query, setQuery] = useState("");
  const wanted = query.trim().toLowerCase();
  const stations = useQuery({
    queryKey: ["palette", "stations", wanted],
    queryFn: () => ask(api.GET("/api/v1/stations", { params: { query: { search: wanted, limit: FOUND } } })),
    enabled: wanted.length > 0 && may("stations:read"),
    placeholderData: keepPreviousData,
  });
  const sites = useQuery({
    queryKey: ["palette", "sites", wanted],
    queryFn: () => ask(api.GET("/api/v1/sites", { params: { query: { search: wanted, limit: FOUND } } })),
    enabled: wanted.length > 0 && may("sites:read"),
    placeholderData: keepPreviousData,
  });
  useEffect(selectSomething, [stations.data, sites.data]);
  const action = (id: string, label: string, Icon: Icon, onClick: () => void, description?: string): SpotlightActionData => ({ id, label, description, leftSection: <Icon size={18} aria-hidden />, onClick });
  const fits = (each: SpotlightActionData) => (each.label ?? "").toLowerCase().includes(wanted);
  const places = PLACES.flatMap((group) => group.places)
    .filter((place) => may(place.needs))
    .map((place) => action(place.key, t(`nav.${place.key}`), place.icon, () => void navigate(place.to)));
  const found = (wanted ? (stations.data?.items ?? []) : []).map((station) =>
    action(`station-${station.id}`, station.id, IconPlugConnected, () => void navigate(`/stations/${encodeURIComponent(station.id)}`), [station.name, station.vendor, station.model].filter(Boolean).join(" · ")),
  );
  const foundSites = (wanted ? (sites.data?.items ?? []) : []).map((site) => action(`site-${site.id}`, site.name, IconBuilding, () => void navigate(`/sites/${encodeURIComponent(site.id)}`), site.address ?? undefined));
  const doings = [
    ...BEGINNINGS.filter((each) => may(each.needs)).map((each) => action(each.key, t(`palette.do.${each.key}`), IconPlus, () => void navigate(each.to))),
    action("scheme", dark ? t("layout.light") : t("layout.dark"), dark ? IconSun : IconMoon, turn),
    action("shortcuts", t("shortcut.title"), IconKeyboard, onHelp),
    action("signOut", t("session.signOut"), IconLogout, () => void signOut()),
  ];
  return (
    <Spotlight
      store={store}
      actions={[
        { group: t("palette.pages"), actions: places.filter(fits) },
        { group: t("palette.stations"), actions: found },
        { group: t("nav.sites"), actions: foundSites },
        { group: t("palette.actions"), actions: doings.filter(fits) },
      ]}
      shortcut={null}
      query={query}
      onQueryChange={setQuery}
      filter={(_query, actions) => actions}
      nothingFound={t("palette.nothing")}
      searchProps={{ leftSection: <IconSearch size={18} aria-hidden />, placeholder: t("palette.search"), "aria-label": t("palette.search") }}
      highlightQuery
      scrollable
      maxHeight={420}
    />
  );
}
