import { Badge, Card, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { Facts } from "../../components/DataTable";
import { Download } from "../../components/Download";
import { Expiry } from "../../components/Expiry";
import { Await, Empty } from "../../components/Feedback";
import { When } from "../../components/When";

/** With what we present ourselves to stations that come over TLS; they renew themselves. */
export function OwnCertificates() {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["server-certificates"], queryFn: () => ask(api.GET("/api/v1/server-certificates")) });
  return (
    <Await query={query}>
      {(page) => page.items.length === 0 ? <Empty title={t("certificates.own.none.title")}>{t("certificates.own.none.text")}</Empty> : (
        <Stack>
          <Text c="dimmed">{t("certificates.own.lead")}</Text>
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            {page.items.map((each) => (
              <Card key={each.key_family}>
                <Group gap="xs" mb="xs"><Text fw={600}>{each.names[0]}</Text><Badge>{each.key_family.toUpperCase()}</Badge></Group>
                <Facts rows={[[t("certificates.own.names"), each.names.join(", ")], [t("certificates.from"), <When key="f" at={each.not_before} />], [t("certificates.until"), <Expiry key="u" at={each.not_after} />]]} />
                <Group mt="xs"><Download text={each.chain} name={`server-${each.key_family}.pem`} label={t("certificates.download")} /></Group>
              </Card>
            ))}
          </SimpleGrid>
        </Stack>
      )}
    </Await>
  );
}
