import { Button, Group, Stack, Table, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { Await } from "../../components/Feedback";
import { FormModal } from "../../components/FormModal";
import { Secret } from "../../components/Secret";
import { When } from "../../components/When";

/** Organisations of this system: what belongs to one does not exist for another. */
export function Organisations() {
  const { t } = useTranslation();
  const [adding, setAdding] = useState(false);
  const query = useQuery({ queryKey: ["organisations"], queryFn: () => ask(api.GET("/api/v1/organisations")) });
  return (
    <Await query={query}>
      {(page) => (
        <Stack>
          <Group justify="flex-end"><Button onClick={() => setAdding(true)}>{t("organisation.add")}</Button></Group>
          <Table>
            <Table.Thead><Table.Tr><Table.Th>{t("organisation.id")}</Table.Th><Table.Th>{t("token.name")}</Table.Th><Table.Th>{t("organisation.created")}</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>{page.items.map((item) => <Table.Tr key={item.id}><Table.Td>{item.id}</Table.Td><Table.Td className="wrap-anywhere">{item.name}</Table.Td><Table.Td><When at={new Date(item.created_at).getTime() > 0 ? item.created_at : null} /></Table.Td></Table.Tr>)}</Table.Tbody>
          </Table>
          {adding && <AddOrganisation onClose={() => setAdding(false)} />}
        </Stack>
      )}
    </Await>
  );
}

function AddOrganisation({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm({ initialValues: { id: "", name: "", username: "" } });
  const save = useMutation({
    mutationFn: ({ username, ...values }: typeof form.values) => ask(api.POST("/api/v1/organisations", { body: { ...values, username: username || null } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["organisations"] }),
  });
  return (
    <FormModal title={t("organisation.add")} onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending}
      done={save.data && <Secret label={t("organisation.secret", { name: save.data.username })} value={save.data.secret} />}>
      <TextInput label={t("organisation.id")} description={t("organisation.idHelp")} required {...form.getInputProps("id")} />
      <TextInput label={t("token.name")} required {...form.getInputProps("name")} />
      <TextInput label={t("organisation.administrator")} placeholder={`admin-${form.values.id}`} {...form.getInputProps("username")} />
    </FormModal>
  );
}
