import { Badge, Button, Card, Group, Menu, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconDots, IconPlus, IconRefresh } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { Facts } from "../../components/DataTable";
import { Download } from "../../components/Download";
import { Expiry } from "../../components/Expiry";
import { Await } from "../../components/Feedback";
import { When } from "../../components/When";
import { useSession } from "../../session";
import { AuthorityForm } from "./AuthorityForm";
import { InstallRoot } from "./InstallRoot";

export type Authority = Schemas["AuthorityView"];

const USES = ["issuing", "trusted", "known", "retired"] as const;
const COLORS = { issuing: "teal", trusted: "blue", known: "gray", retired: "gray" } as const;
const FAMILIES = ["rsa", "ec"] as const;
export const AUTHORITIES_KEY = ["certificate-authorities"] as const;

/** Our own roots and those of others, by what they are good for. */
export function Authorities() {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const [form, setForm] = useState<{ authority: Authority | null } | null>(null);
  const [installing, setInstalling] = useState<Authority | null>(null);
  const query = useQuery({ queryKey: AUTHORITIES_KEY, queryFn: () => ask(api.GET("/api/v1/certificate-authorities", { params: { query: { limit: 200 } } })) });
  const fresh = () => client.invalidateQueries({ queryKey: AUTHORITIES_KEY });
  const mayWrite = may("certificates:write");
  const rollOver = (key_family: "rsa" | "ec") =>
    confirm({ title: t("authority.rollOver.title", { family: key_family.toUpperCase() }), text: t("authority.rollOver.text"), confirm: t("authority.rollOver.do"), act: async () => { await ask(api.POST("/api/v1/certificate-authorities/roll-over", { body: { key_family } })); await fresh(); } });
  const remove = (authority: Authority) =>
    confirm({ title: t("authority.remove.title", { name: authority.name }), text: t("authority.remove.text"), confirm: t("authority.remove.do"), act: async () => { await ask(api.DELETE("/api/v1/certificate-authorities/{authority_id}", { params: { path: { authority_id: authority.id } } })); await fresh(); } });
  return (
    <Stack>
      {mayWrite && (
        <Group justify="flex-end">
          <Menu position="bottom-end">
            <Menu.Target><Button variant="default" leftSection={<IconRefresh size={16} aria-hidden />}>{t("authority.rollOver.open")}</Button></Menu.Target>
            <Menu.Dropdown>{FAMILIES.map((family) => <Menu.Item key={family} onClick={() => rollOver(family)}>{family.toUpperCase()}</Menu.Item>)}</Menu.Dropdown>
          </Menu>
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setForm({ authority: null })}>{t("authority.add")}</Button>
        </Group>
      )}
      <Await query={query}>
        {(page) => (
          <Stack gap="lg">
            {USES.map((use) => {
              const rows = page.items.filter((each) => each.use === use);
              if (rows.length === 0 && (use === "retired" || use === "known")) return null;
              return (
                <Stack key={use} gap="xs">
                  <div><Title order={2} size="h4">{t(`authority.use.${use}`)}</Title><Text size="sm" c="dimmed">{t(`authority.useHelp.${use}`)}</Text></div>
                  {rows.length === 0 && <Text size="sm">{t("authority.none")}</Text>}
                  <SimpleGrid cols={{ base: 1, md: 2 }}>
                    {rows.map((each) => <AuthorityCard key={each.id} authority={each} onEdit={() => setForm({ authority: each })} onInstall={() => setInstalling(each)} onRemove={() => remove(each)} />)}
                  </SimpleGrid>
                </Stack>
              );
            })}
          </Stack>
        )}
      </Await>
      {form && <AuthorityForm authority={form.authority} onClose={() => setForm(null)} />}
      {installing && <InstallRoot authority={installing} onClose={() => setInstalling(null)} />}
    </Stack>
  );
}

interface CardProps {
  authority: Authority;
  onEdit: () => void;
  onInstall: () => void;
  onRemove: () => void;
}

function AuthorityCard({ authority, onEdit, onInstall, onRemove }: CardProps) {
  const { t } = useTranslation();
  const { may } = useSession();
  const mayWrite = may("certificates:write");
  const mayInstall = mayWrite && may("commands:send") && may("commands:dangerous");
  const theirs = authority.use === "trusted" || authority.use === "known";
  return (
    <Card data-authority={authority.id}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Group gap="xs"><Text fw={600} className="wrap-anywhere">{authority.name}</Text><Badge color={COLORS[authority.use as keyof typeof COLORS]}>{authority.key_family.toUpperCase()}</Badge></Group>
        {mayWrite && (
          <Menu position="bottom-end">
            <Menu.Target><Button size="compact-sm" variant="subtle" color="gray" aria-label={t("authority.more", { name: authority.name })}><IconDots size={16} aria-hidden /></Button></Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={onEdit}>{t("action.edit")}</Menu.Item>
              {mayInstall && <Menu.Item onClick={onInstall}>{t("authority.install.open")}</Menu.Item>}
              {theirs && <Menu.Item color="red" onClick={onRemove}>{t("authority.remove.do")}</Menu.Item>}
            </Menu.Dropdown>
          </Menu>
        )}
      </Group>
      <Facts rows={[
        [t("certificates.subject"), authority.subject],
        [t("certificates.until"), <Expiry key="u" at={authority.not_after} />],
        [t("certificates.fingerprint"), <span key="f" className="mono wrap-anywhere">{authority.fingerprint}</span>],
        ...(theirs ? [[t("authority.crl"), authority.has_crl ? <span key="c">{t("authority.crlHere")} {authority.crl_fetched_at && <When at={authority.crl_fetched_at} ago />}</span> : t("authority.crlNone")] as const] : []),
      ]} />
      <Group gap="xs" mt="xs">
        <Download text={authority.certificate} name={`${authority.id}.pem`} label={t("certificates.download")} />
        {authority.cross_certificate && <Download text={authority.cross_certificate} name={`${authority.id}-cross.pem`} label={t("authority.cross")} />}
        {(authority.has_crl || !theirs) && <Button component="a" size="xs" variant="default" href={`/api/v1/certificate-authorities/${encodeURIComponent(authority.id)}/crl`} download={`${authority.id}.crl.pem`}>{t("authority.crl")}</Button>}
      </Group>
    </Card>
  );
}
