/** The frame of every form in a window: fields, what went wrong, cancel and save. */
import { Alert, Button, Group, Stack } from "@mantine/core";
import type { FormEventHandler, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useProblemText } from "./Feedback";
import { Window } from "./Window";

interface Props {
  title: string;
  onClose: () => void;
  onSubmit: FormEventHandler<HTMLFormElement>;
  error: unknown;
  pending: boolean;
  /** What the button says; "Save" if nothing is given. */
  submit?: string;
  size?: string;
  /** Set once it is done: shown instead of the fields, and only "Close" remains. */
  done?: ReactNode;
  left?: ReactNode;
  children: ReactNode;
}

export function FormModal({ title, onClose, onSubmit, error, pending, submit, size, done, left, children }: Props) {
  const { t } = useTranslation();
  const problemText = useProblemText();
  return (
    <Window opened onClose={onClose} title={title} size={size} closeOnClickOutside={false}>
      {done ? (
        <Stack>
          {done}
          <Group justify="flex-end"><Button onClick={onClose}>{t("action.close")}</Button></Group>
        </Stack>
      ) : (
        <form onSubmit={onSubmit}>
          <Stack gap="sm">
            {children}
            {error !== null && error !== undefined && <Alert color="red" role="alert">{problemText(error)}</Alert>}
            <Group justify="space-between">
              <Group>{left}</Group>
              <Group gap="xs">
                <Button variant="default" onClick={onClose}>{t("action.cancel")}</Button>
                <Button type="submit" loading={pending}>{submit ?? t("action.save")}</Button>
              </Group>
            </Group>
          </Stack>
        </form>
      )}
    </Window>
  );
}
