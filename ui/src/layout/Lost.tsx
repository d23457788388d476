/** A connection that is lost is said in words where one looks; when it is back, what is on the page is read anew. */
import { Alert, Button, Group, Text } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { stream, useStreamState } from "../live/events";
import { SESSION_KEY } from "../session";

export function Lost() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const state = useStreamState();
  const wasLost = useRef(false);
  useEffect(() => {
    if (state === "lost") {
      // Was it the line, or has the login ended? The stream cannot tell, the session can.
      if (!wasLost.current) void client.invalidateQueries({ queryKey: SESSION_KEY });
      wasLost.current = true;
    } else if (state === "live" && wasLost.current) {
      wasLost.current = false;
      void client.invalidateQueries();
    }
  }, [state, client]);
  if (state !== "lost") return null;
  return (
    <Alert color="red" icon={<IconPlugConnectedX />} title={t("stream.lost.short")} mb="md" role="alert" data-lost>
      <Group justify="space-between">
        <Text size="sm">{t("stream.lost.long")}</Text>
        <Button size="xs" variant="default" onClick={() => stream.retryNow()}>{t("action.retry")}</Button>
      </Group>
    </Alert>
  );
}
