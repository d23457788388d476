import { Alert, Button, Code, List, Stack, Text } from "@mantine/core";
import { IconShieldCheck, IconShieldX } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { Failure } from "../../components/Feedback";
import { formatCount } from "../../lib/units";

/** Whoever wants to know whether somebody has changed the log asks here; the answer is a proof, entry by entry. */
export function useVerification() {
  const { t, i18n } = useTranslation();
  const verify = useMutation({ mutationFn: () => ask(api.GET("/api/v1/audit/verification")) });
  const button = <Button variant="default" leftSection={<IconShieldCheck size={16} aria-hidden />} loading={verify.isPending} onClick={() => verify.mutate()}>{t("audit.verify")}</Button>;
  const { data } = verify;
  const outcome = verify.error ? <Failure error={verify.error} retry={() => verify.mutate()} /> : data && (
    <Alert color={data.whole ? "teal" : "red"} icon={data.whole ? <IconShieldCheck /> : <IconShieldX />} title={data.whole ? t("audit.whole") : t("audit.broken")} role="status" data-whole={data.whole} withCloseButton onClose={() => verify.reset()} closeButtonLabel={t("action.close")}>
      <Stack gap="xs">
        <Text size="sm">{t("audit.checked", { number: formatCount(data.length, i18n.language) })}</Text>
        <Code className="wrap-anywhere">{`${data.length}:${data.hash}`}</Code>
        {data.flaws.length > 0 && <List size="sm">{data.flaws.map((flaw) => <List.Item key={flaw.sequence}>{t("audit.entry", { number: flaw.sequence })}: {flaw.words}</List.Item>)}</List>}
      </Stack>
    </Alert>
  );
  return { button, outcome };
}
