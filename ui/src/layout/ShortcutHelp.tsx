import { Group, Kbd, Stack, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useSession } from "../session";
import { PLACES } from "./navigation";
import { LETTERS } from "./shortcuts";
import { Window } from "../components/Window";

/** All keys, for whoever typed "?". */
export default function ShortcutHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const rows: [string[], string][] = [
    [["Ctrl", "K"], t("shortcut.palette")],
    [["/"], t("shortcut.search")],
    [["?"], t("shortcut.help")],
    [["Esc"], t("shortcut.close")],
    ...PLACES.flatMap(({ places }) => places)
      .filter((place) => may(place.needs) && LETTERS[place.key] !== undefined)
      .map((place): [string[], string] => [["g", LETTERS[place.key] ?? ""], t(`nav.${place.key}`)]),
  ];
  return (
    <Window opened={opened} onClose={onClose} title={t("shortcut.title")}>
      <Stack>
        <Text size="sm" c="dimmed">{t("shortcut.lead")}</Text>
        <Table>
          <Table.Tbody>
            {rows.map(([keys, what]) => (
              <Table.Tr key={what}>
                <Table.Td w="7rem"><Group gap={4}>{keys.map((key) => <Kbd key={key}>{key}</Kbd>)}</Group></Table.Td>
                <Table.Td>{what}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Stack>
    </Window>
  );
}
