import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { useTranslation } from "react-i18next";
import { useProblemText } from "./Feedback";

interface Question {
  title: string;
  text: string;
  confirm: string;
  act: () => Promise<unknown>;
}

/** Asks before something that cannot be undone; what goes wrong then is told. */
export function useConfirm(): (question: Question) => void {
  const { t } = useTranslation();
  const problemText = useProblemText();
  return ({ title, text, confirm, act }) =>
    modals.openConfirmModal({
      title,
      children: <Text size="sm">{text}</Text>,
      labels: { confirm, cancel: t("action.cancel") },
      confirmProps: { color: "red" },
      onConfirm: () => void act().catch((error: unknown) => notifications.show({ color: "red", title: t("problem.title"), message: problemText(error) })),
    });
}
