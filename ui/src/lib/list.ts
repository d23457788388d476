/** A list of the API, page by page: the cursor goes on where the last page ended. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";

export interface Paged<T> {
  items: T[];
  next_cursor: string | null;
}

export interface PagedList<T> {
  rows: T[];
  error: Error | null;
  loading: boolean;
  more: boolean;
  loadMore: () => void;
  refetch: () => void;
}

/** `fetchPage` is given the cursor of the page wanted (undefined: the first). */
export function usePagedList<T>(key: readonly unknown[], fetchPage: (cursor: string | undefined) => Promise<Paged<T>>, options?: { refetchInterval?: number }): PagedList<T> {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => fetchPage(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: options?.refetchInterval,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query;
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  return { rows, error: query.error, loading: query.isPending, more: hasNextPage, loadMore, refetch: () => void refetch() };
}

const MOST_PAGES = 50;

/** All pages of a list, for sums; no more than fifty of them. */
export async function everything<T>(fetchPage: (cursor: string | undefined) => Promise<Paged<T>>): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { items, next_cursor } = await fetchPage(cursor);
    rows.push(...items);
    if (next_cursor === null) break;
    cursor = next_cursor;
  }
  return rows;
}
