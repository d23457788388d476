/** Where stations stand, drawn on canvas: on the outlines of the countries, or on tiles if the node is told of some. */
import "leaflet/dist/leaflet.css";
import "./StationMap.css";
import { Box, useComputedColorScheme } from "@mantine/core";
import L from "leaflet";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import fineUrl from "world-atlas/countries-50m.json?url";
import coarseUrl from "world-atlas/land-110m.json?url";
import type { Schemas } from "../api/client";
import { STATE_HEX } from "../pages/overview/states";

type Place = Schemas["StationPlaceView"];

export interface Tiles {
  tile_url: string | null;
  attribution: string;
}

const INK = { light: { land: "#f1f3f5", border: "#ced4da" }, dark: { land: "#2e2e2e", border: "#555b61" } };
/** From here on the coast is drawn finer; the file is seven times as large and only fetched then. */
const FINE_ZOOM = 5;
const DEEPEST = { outline: 11, tiles: 19 };
const RADIUS_PX = 7;

export default function StationMap({ places, tiles, height = 340 }: { places: readonly Place[]; tiles: Tiles; height?: number }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const scheme = useComputedColorScheme("light");
  const holder = useRef<HTMLDivElement>(null);
  const drawn = useRef<{ map: L.Map; stations: L.LayerGroup; fitted: boolean } | null>(null);
  const go = useRef(navigate);
  useEffect(() => {
    go.current = navigate;
  });

  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const deepest = tiles.tile_url === null ? DEEPEST.outline : DEEPEST.tiles;
    const map = L.map(element, { preferCanvas: true, minZoom: 1, maxZoom: deepest, zoomControl: false, worldCopyJump: true, attributionControl: tiles.attribution !== "" }).setView([30, 10], 2);
    L.control.zoom({ zoomInTitle: t("map.zoomIn"), zoomOutTitle: t("map.zoomOut") }).addTo(map);
    L.control.scale({ imperial: false }).addTo(map);
    map.attributionControl?.setPrefix(false);
    const stop = tiles.tile_url === null ? drawOutlines(map, INK[scheme]) : addTiles(map, tiles.tile_url, tiles.attribution);
    drawn.current = { map, stations: L.layerGroup().addTo(map), fitted: false };
    return () => {
      stop();
      drawn.current = null;
      map.remove();
    };
  }, [scheme, t, tiles.tile_url, tiles.attribution]);

  useEffect(() => {
    const now = drawn.current;
    if (now === null) return;
    now.stations.clearLayers();
    for (const place of places)
      L.circleMarker([place.latitude, place.longitude], { radius: RADIUS_PX, weight: 1.5, color: "#fff", fillColor: STATE_HEX[place.state] ?? "#868e96", fillOpacity: 1 })
        .bindPopup(() => popup(place, t(`stationState.${place.state}`), (to) => void go.current(to)))
        .addTo(now.stations);
    if (!now.fitted && places.length > 0) {
      now.fitted = true;
      now.map.fitBounds(L.latLngBounds(places.map((place) => [place.latitude, place.longitude])), { padding: [32, 32], maxZoom: 14, animate: false });
    }
  }, [places, t, scheme, tiles.tile_url]);

  return <Box ref={holder} h={height} role="region" aria-label={t("map.title")} data-places={places.length} className="station-map" />;
}

/** Made of nodes and text alone: the words come from people and stations. */
function popup(place: Place, state: string, go: (to: string) => void): HTMLElement {
  const box = document.createElement("div");
  const link = document.createElement("a");
  link.href = `/stations/${encodeURIComponent(place.id)}`;
  link.textContent = place.name ?? place.id;
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(link.pathname);
  });
  const words = document.createElement("div");
  words.textContent = place.name === null ? state : `${place.id} · ${state}`;
  box.append(link, words);
  return box;
}

function addTiles(map: L.Map, url: string, attribution: string): () => void {
  const text = document.createElement("span");
  text.textContent = attribution;
  // Leaflet takes markup here; what was set as text stays text.
  const layer = L.tileLayer(url, { maxZoom: DEEPEST.tiles, attribution: text.innerHTML }).addTo(map);
  return () => layer.remove();
}

function drawOutlines(map: L.Map, ink: { land: string; border: string }): () => void {
  const abort = new AbortController();
  let layer: L.Layer | undefined;
  let fine = false;
  const draw = async (url: string) => {
    const topology = (await (await fetch(url, { signal: abort.signal })).json()) as Topology;
    const outlines = topology.objects.countries ?? topology.objects.land;
    if (outlines === undefined || abort.signal.aborted) return;
    layer?.remove();
    const style = { fillColor: ink.land, fillOpacity: 1, color: ink.border, weight: 1 };
    layer = L.geoJSON(feature(topology, outlines as GeometryCollection), { interactive: false, style }).addTo(map);
    if (layer instanceof L.FeatureGroup) layer.bringToBack();
  };
  // A map without its outlines still shows the stations.
  const fetched = (url: string) => void draw(url).catch(() => undefined);
  const refine = () => {
    if (fine || map.getZoom() < FINE_ZOOM) return;
    fine = true;
    fetched(fineUrl);
  };
  map.on("zoomend", refine);
  if (map.getZoom() < FINE_ZOOM) fetched(coarseUrl);
  refine();
  return () => {
    abort.abort();
    map.off("zoomend", refine);
  };
}
