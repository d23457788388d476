/** A list without rows: because there is nothing yet, or because the filter leaves nothing; each with its way on. */
import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Empty } from "./Feedback";

interface Props {
  filters: Record<string, string | undefined>;
  title: string;
  children: ReactNode;
  action?: ReactNode;
}

export function EmptyList({ filters, title, children, action }: Props) {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const set = Object.keys(filters).filter((name) => params.has(name));
  if (set.length === 0) return <Empty title={title} action={action}>{children}</Empty>;
  const clear = () =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      for (const name of set) next.delete(name);
      return next;
    });
  return <Empty title={t("filter.nothing.title")} action={<Button variant="default" onClick={clear}>{t("filter.clear")}</Button>}>{t("filter.nothing.text")}</Empty>;
}
