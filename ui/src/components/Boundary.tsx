/** What is wrong in one part of the page stays there, is told, and can be tried again. */
import { Button, Center, Stack, Text, Title } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  /** Another place: what went wrong before is forgotten. */
  place: string;
  children: ReactNode;
}

interface State {
  error: Error | null;
  place: string;
}

export class Boundary extends Component<Props, State> {
  override state: State = { error: null, place: this.props.place };

  static getDerivedStateFromError(error: Error): Partial<State> {
    return { error };
  }

  static getDerivedStateFromProps(props: Props, state: State): State | null {
    return props.place === state.place ? null : { error: null, place: props.place };
  }

  override render(): ReactNode {
    return this.state.error === null ? this.props.children : <Broken error={this.state.error} />;
  }
}

/** A page is a file of its own: after an update of the server the old file is gone, and loading anew brings the new one. */
function Broken({ error }: { error: Error }) {
  const { t } = useTranslation();
  return (
    <Center py="xl">
      <Stack align="center" gap="xs" maw="32rem" ta="center" role="alert">
        <Title order={1} size="h4">{t("problem.broken.title")}</Title>
        <Text c="dimmed">{t("problem.broken.text")}</Text>
        <Text size="xs" c="dimmed" className="mono wrap-anywhere">{error.message}</Text>
        <Button onClick={() => window.location.reload()}>{t("problem.broken.reload")}</Button>
      </Stack>
    </Center>
  );
}
