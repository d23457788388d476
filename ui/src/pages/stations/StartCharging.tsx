import { Autocomplete, Button, Group, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { useSession } from "../../session";
import { Window } from "../../components/Window";

interface Props {
  connector: number;
  onClose: () => void;
  onStart: (idTag: string) => void;
}

/** With whose token to start. */
export function StartCharging({ connector, onClose, onStart }: Props) {
  const { t } = useTranslation();
  const { may } = useSession();
  const [idTag, setIdTag] = useState("");
  const tokens = useQuery({ queryKey: ["tokens", "suggested"], queryFn: () => ask(api.GET("/api/v1/tokens", { params: { query: { status: "Accepted", limit: 200 } } })), enabled: may("tokens:read") });
  return (
    <Window opened onClose={onClose} title={t("connector.start.title", { number: connector })}>
      <form onSubmit={(event) => { event.preventDefault(); if (idTag) onStart(idTag); }}>
        <Stack>
          <Autocomplete label={t("token.idTag")} required data-autofocus data={[...new Set((tokens.data?.items ?? []).map((token) => token.id_tag))]} limit={20} value={idTag} onChange={setIdTag} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("action.cancel")}</Button>
            <Button type="submit" disabled={idTag === ""}>{t("action.send")}</Button>
          </Group>
        </Stack>
      </form>
    </Window>
  );
}
