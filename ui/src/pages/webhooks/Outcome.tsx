import { Alert, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { StateBadge } from "../../components/StateBadge";

/** What came of a delivery that somebody asked for, in the words of the receiver. */
export function Outcome({ delivery }: { delivery: Schemas["DeliveryView"] }) {
  const { t } = useTranslation();
  const well = delivery.state === "delivered";
  return (
    <Alert color={well ? "teal" : "red"} role="status" p="xs" data-outcome={delivery.state}>
      <Group gap="xs">
        <StateBadge state={delivery.state} />
        <Text size="sm">{delivery.status === null ? t("webhook.noAnswer") : t("webhook.answered", { status: delivery.status })} · {t("webhook.took", { ms: delivery.duration_ms })}</Text>
        {!well && delivery.error && <Text size="sm" className="wrap-anywhere">{delivery.error}</Text>}
      </Group>
    </Alert>
  );
}
