import { Box, Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuestion } from "../components/confirm";
import { useProblemText } from "../components/Feedback";
import { Window } from "../components/Window";

/** The window of a question; its words stay while it closes. */
export default function Asked() {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const [question, close] = useQuestion();
  const [shown, setShown] = useState(question);
  if (question !== null && question !== shown) setShown(question);
  if (shown === null) return null;
  const act = async () => {
    close();
    try {
      await shown.act();
    } catch (error) {
      notifications.show({ color: "red", title: t("problem.title"), message: problemText(error) });
    }
  };
  return (
    <Window opened={question !== null} onClose={close} title={shown.title}>
      <Box mb="md">{typeof shown.text === "string" ? <Text size="sm">{shown.text}</Text> : shown.text}</Box>
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>{t("action.cancel")}</Button>
        <Button color="red" onClick={() => void act()}>{shown.confirm}</Button>
      </Group>
    </Window>
  );
}
