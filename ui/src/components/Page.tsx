import { Anchor, Box, Breadcrumbs, Group, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import { Link } from "react-router";

export interface Crumb {
  label: string;
  to: string;
}

/** The frame of every page: where one is, what it is called, what can be done here. */
export function Page({ title, lead, crumbs, actions, children }: { title: string; lead?: ReactNode; crumbs?: Crumb[]; actions?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Stationmaster`;
  }, [title]);
  return (
    <Stack gap="md" maw="var(--content-width)" mx="auto">
      <Box>
        {crumbs && (
          <Breadcrumbs mb={4}>
            {crumbs.map((crumb) => (
              <Anchor key={crumb.to} component={Link} to={crumb.to} size="sm">{crumb.label}</Anchor>
            ))}
          </Breadcrumbs>
        )}
        <Group justify="space-between" align="flex-start">
          <Box>
            <Title order={1} size="h2" className="wrap-anywhere">{title}</Title>
            {lead && <Text c="dimmed" component="div">{lead}</Text>}
          </Box>
          {actions && <Group gap="xs">{actions}</Group>}
        </Group>
      </Box>
      {children}
    </Stack>
  );
}
