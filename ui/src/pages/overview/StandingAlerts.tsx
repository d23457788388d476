import { Anchor, Badge, Card, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask } from "../../api/client";
import { Await } from "../../components/Feedback";
import { When } from "../../components/When";
import { useLiveRefresh } from "../../live/refresh";
import { SEVERITY_COLOR } from "../alerts/rules";
import { alertInWords } from "../alerts/words";

const LISTED = 5;
const REFRESH_MS = 1_000;

/** What needs a person now: how much of it, and the newest. Nothing is shown where nothing stands. */
export function StandingAlerts() {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: ["alerts", "standing"],
    queryFn: async () => {
      const [counts, newest] = await Promise.all([
        ask(api.GET("/api/v1/alerts/counts")),
        ask(api.GET("/api/v1/alerts", { params: { query: { state: ["open", "acknowledged"], limit: LISTED } as never } })),
      ]);
      return { counts, items: newest.items };
    },
  });
  useLiveRefresh(["alert."], [["alerts", "standing"]], undefined, REFRESH_MS);
  return (
    <Await query={query}>
      {({ counts, items }) => items.length > 0 && (
        <Card data-card="alerts">
          <Group justify="space-between" mb="xs">
            <Title order={2} size="h5">{t("overview.alerts")}</Title>
            <Group gap="xs">
              {counts.by_severity.filter((each) => each.open + each.acknowledged > 0).map((each) => (
                <Badge key={each.severity} color={SEVERITY_COLOR[each.severity]}>{t(`alert.severities.${each.severity}`)}: {each.open + each.acknowledged}</Badge>
              ))}
              <Anchor component={Link} to="/alerts" size="sm">{t("overview.allAlerts")}</Anchor>
            </Group>
          </Group>
          <Stack gap={6}>
            {items.map((alert) => (
              <Group key={alert.id} gap="0 var(--mantine-spacing-xs)" align="baseline">
                <Text size="sm" c="dimmed" w="7.5rem" component="div" style={{ flexShrink: 0 }}><When at={alert.first_at} ago /></Text>
                <Badge color={SEVERITY_COLOR[alert.severity]} size="sm" style={{ flexShrink: 0 }}>{t(`alert.severities.${alert.severity}`)}</Badge>
                <Text size="sm" flex="1 1 14rem" className="wrap-anywhere">{alertInWords(alert, t)}</Text>
              </Group>
            ))}
          </Stack>
        </Card>
      )}
    </Await>
  );
}
