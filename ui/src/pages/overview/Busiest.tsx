import { Anchor, Card, Progress, SegmentedControl, Stack, Table, Text, Title } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../../api/client";
import { formatEnergy } from "../../lib/units";

const LISTED = 6;

/** Which sites, or which stations, charged most. */
export function Busiest({ sites, stations }: { sites: Schemas["BusySiteView"][]; stations: Schemas["BusyStationView"][] }) {
  const { t, i18n } = useTranslation();
  const [shown, setShown] = useState<string | null>(null);
  const kind = shown ?? (sites.length > 0 ? "sites" : "stations");
  const rows =
    kind === "sites"
      ? sites.map((row) => ({ ...row, id: row.site_id, name: row.name ?? row.site_id, to: `/sites/${encodeURIComponent(row.site_id)}` }))
      : stations.map((row) => ({ ...row, id: row.station_id, name: row.station_id, to: `/stations/${encodeURIComponent(row.station_id)}` }));
  const most = Math.max(1, ...rows.map((row) => row.energy_wh));
  return (
    <Card h="100%">
      <Stack gap="xs">
        <Title order={2} size="h5">{t("overview.busiest")}</Title>
        <SegmentedControl size="xs" fullWidth aria-label={t("overview.busiest")} value={kind} onChange={setShown} data={[{ value: "sites", label: t("nav.sites") }, { value: "stations", label: t("nav.stations") }]} />
        {rows.length === 0 ? <Text c="dimmed" size="sm">{kind === "sites" ? t("overview.noSites") : t("transaction.none.title")}</Text> : (
          <Table verticalSpacing={6}>
            <Table.Tbody>
              {rows.slice(0, LISTED).map((row) => (
                <Table.Tr key={row.id}>
                  <Table.Td>
                    <Anchor component={Link} to={row.to} size="sm" className="wrap-anywhere">{row.name}</Anchor>
                    <Progress value={(row.energy_wh / most) * 100} size={4} mt={2} aria-hidden />
                  </Table.Td>
                  <Table.Td ta="right" className="tabular" style={{ whiteSpace: "nowrap" }}>
                    {formatEnergy(row.energy_wh, i18n.language)}
                    <Text size="xs" c="dimmed">{t("overview.sessionCount", { count: row.transactions })}</Text>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Stack>
    </Card>
  );
}
