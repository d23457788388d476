import { Box, Grid, NavLink, Select, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { Await } from "../../components/Feedback";
import { useFilters } from "../../lib/filters";
import { useSession } from "../../session";
import { CommandForm } from "./CommandForm";
import type { Station } from "./StationPage";

/** What is asked most comes first. */
const ORDER = ["remote_control", "availability", "provisioning", "smart_charging", "reservations", "local_lists", "firmware", "diagnostics", "security", "certificates", "data_transfer"];

function rank(block: string): number {
  const place = ORDER.indexOf(block);
  return place < 0 ? ORDER.length : place;
}

/** Every action that a station can be asked; which one is chosen is in the address. */
export function CommandsTab({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const [search, setSearch] = useState("");
  const [{ action: chosen }, choose] = useFilters(["action"] as const);
  const actions = useQuery({ queryKey: ["actions"], queryFn: () => ask(api.GET("/api/v1/actions")), staleTime: Infinity });
  return (
    <Await query={actions}>
      {(list) => {
        const allowed = list.items.filter((action) => !action.dangerous || may("commands:dangerous"));
        const shown = allowed.filter((action) => action.action.toLowerCase().includes(search.trim().toLowerCase()));
        const current = allowed.find((action) => action.action === chosen);
        const blocks = [...new Set(allowed.map((action) => action.block))].sort((a, b) => rank(a) - rank(b));
        const blockName = (block: string) => t(`block.${block}`, { defaultValue: block });
        return (
          <Grid>
            <Grid.Col span={{ base: 12, sm: 4, lg: 3 }}>
              <Select hiddenFrom="sm" searchable label={t("message.action")} placeholder={t("command.find")} value={chosen ?? null} onChange={(name) => choose("action", name)}
                data={blocks.map((block) => ({ group: blockName(block), items: allowed.filter((action) => action.block === block).map((action) => action.action) }))} />
              <Box visibleFrom="sm">
                <TextInput aria-label={t("command.find")} placeholder={t("command.find")} value={search} onChange={(event) => setSearch(event.currentTarget.value)} mb="xs" />
                <Box mah="calc(100dvh - 18rem)" style={{ overflowY: "auto" }} component="nav" aria-label={t("station.tab.commands")}>
                  {shown.length === 0 && <Text size="sm" c="dimmed" px="xs">{t("palette.nothing")}</Text>}
                  {blocks.filter((block) => shown.some((action) => action.block === block)).map((block) => (
                    <Box key={block} mb="xs">
                      <Text size="xs" fw={600} c="dimmed" px="xs">{blockName(block)}</Text>
                      {shown.filter((action) => action.block === block).map((action) => (
                        <NavLink key={action.action} component="button" label={action.action} active={chosen === action.action} onClick={() => choose("action", action.action)}
                          rightSection={action.dangerous && <IconAlertTriangle size={14} aria-label={t("command.dangerous")} />} />
                      ))}
                    </Box>
                  ))}
                </Box>
              </Box>
            </Grid.Col>
            <Grid.Col span={{ base: 12, sm: 8, lg: 9 }}>
              {current ? <CommandForm key={current.action} station={station} action={current} /> : <Text c="dimmed">{t("command.choose")}</Text>}
            </Grid.Col>
          </Grid>
        );
      }}
    </Await>
  );
}
