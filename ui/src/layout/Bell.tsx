import { ActionIcon, Indicator } from "@mantine/core";
import { IconBell } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask } from "../api/client";
import { Hint } from "../components/Hint";
import { useLiveRefresh } from "../live/refresh";
import { useSession } from "../session";

const REFRESH_MS = 1_000;

/** How many alerts nobody has looked at yet, from anywhere. */
export function Bell() {
  const { t } = useTranslation();
  const { may } = useSession();
  const counts = useQuery({ queryKey: ["alerts", "counts"], queryFn: () => ask(api.GET("/api/v1/alerts/counts")), enabled: may("alerts:read") });
  useLiveRefresh(["alert."], [["alerts", "counts"]], undefined, REFRESH_MS);
  if (!may("alerts:read")) return null;
  const open = counts.data?.open ?? 0;
  const critical = counts.data?.by_severity.some((each) => each.severity === "critical" && each.open > 0) ?? false;
  const label = t("alert.bell", { count: open });
  return (
    <Hint label={label}>
      <Indicator label={open > 99 ? "99+" : open} size={16} disabled={open === 0} color={critical ? "red.8" : "orange.9"} data-open-alerts={open}>
        <ActionIcon component={Link} to="/alerts" variant="default" size="md" aria-label={label}><IconBell size={16} /></ActionIcon>
      </Indicator>
    </Hint>
  );
}
