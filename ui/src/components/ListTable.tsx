/** A list of the API as a table, with its faces: waiting, failed, empty, there. */
import type { ReactNode } from "react";
import type { PagedList } from "../lib/list";
import { type Column, DataTable } from "./DataTable";
import { EmptyList } from "./EmptyList";
import { Failure, Loading } from "./Feedback";

interface Props<T> {
  label: string;
  list: PagedList<T>;
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  onOpen?: (row: T) => void;
  none: { title: string; text: string; action?: ReactNode };
  /** What the list is narrowed by: an empty one then says that it is the filter. */
  filters?: Record<string, string | undefined>;
  height?: string;
}

export function ListTable<T>({ list, none, filters = {}, ...table }: Props<T>) {
  if (list.error) return <Failure error={list.error} retry={list.refetch} />;
  if (list.loading) return <Loading />;
  return <DataTable {...table} rows={list.rows} onEnd={list.loadMore} empty={<EmptyList filters={filters} title={none.title} action={none.action}>{none.text}</EmptyList>} />;
}
