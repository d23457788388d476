/** What can be typed into the fields of a command, from what is known of the station. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, ask } from "../../api/client";
import { useSession } from "../../session";

/** By the path of the field. */
export function useSuggestions(stationId: string): Record<string, string[]> {
  const { may } = useSession();
  const path = { station_id: stationId };
  const connectors = useQuery({ queryKey: ["connectors", stationId], queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/connectors", { params: { path } })) });
  const keys = useQuery({ queryKey: ["configuration", stationId], queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/configuration", { params: { path } })), enabled: may("configuration:read") });
  const open = useQuery({ queryKey: ["transactions", "open", stationId], queryFn: () => ask(api.GET("/api/v1/transactions", { params: { query: { station_id: stationId, state: "open", limit: 100 } } })), enabled: may("transactions:read") });
  const tokens = useQuery({ queryKey: ["tokens", "suggested"], queryFn: () => ask(api.GET("/api/v1/tokens", { params: { query: { status: "Accepted", limit: 200 } } })), enabled: may("tokens:read") });
  return useMemo(() => {
    const numbers = (connectors.data?.items ?? []).map((each) => String(each.connector_id ?? 0));
    return {
      connectorId: numbers,
      idTag: (tokens.data?.items ?? []).map((each) => each.id_tag),
      key: (keys.data?.items ?? []).filter((each) => !each.readonly).map((each) => each.variable),
      transactionId: (open.data?.items ?? []).map((each) => String(each.transaction_id)),
    };
  }, [connectors.data, keys.data, open.data, tokens.data]);
}
