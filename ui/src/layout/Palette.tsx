import { Spotlight } from "@mantine/spotlight";
import { IconPlugConnected, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, ask } from "../api/client";
import { useSession } from "../session";
import { PLACES } from "./navigation";

/** Ctrl-K: every page, and any station by a part of its name. */
export function Palette() {
  const { t } = useTranslation();
  const { may } = useSession();
  const navigate = useNavigate();
  const [query, setQuery] = useState("");
  const stations = useQuery({
    queryKey: ["palette", query],
    queryFn: () => ask(api.GET("/api/v1/stations", { params: { query: { search: query, limit: 8 } } })),
    enabled: query.trim().length > 0 && may("stations:read"),
  });
  const places = PLACES.flatMap(({ places }) => places)
    .filter((place) => may(place.needs))
    .map((place) => ({
      id: place.key,
      label: t(`nav.${place.key}`),
      leftSection: <place.icon size={18} aria-hidden />,
      onClick: () => void navigate(place.to),
    }))
    .filter((action) => action.label.toLowerCase().includes(query.trim().toLowerCase()));
  const found = (stations.data?.items ?? []).map((station) => ({
    id: `station-${station.id}`,
    label: station.id,
    description: [station.name, station.vendor, station.model].filter(Boolean).join(" · "),
    leftSection: <IconPlugConnected size={18} aria-hidden />,
    onClick: () => void navigate(`/stations/${encodeURIComponent(station.id)}`),
  }));
  return (
    <Spotlight
      actions={[{ group: t("palette.pages"), actions: places }, { group: t("palette.stations"), actions: found }]}
      shortcut={["mod + K"]}
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
