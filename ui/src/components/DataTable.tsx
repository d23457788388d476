/** The table of every list: only the rows in sight are in the page, so ten thousand scroll like ten. */
import { Box, Checkbox, SimpleGrid, Table, Text, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useWords } from "../i18n/language";
import classes from "./DataTable.module.css";

export interface Column<T> {
  key: string;
  header: string;
  /** CSS grid width, such as "8rem" or "minmax(10rem, 2fr)". */
  width: string;
  cell: (row: T) => ReactNode;
  sort?: (row: T) => string | number | null | undefined;
  align?: "right";
  /** Left out on a phone. */
  wide?: boolean;
  /** Left out where there is little room beside the menu. */
  large?: boolean;
  /** On a phone it has a line of its own, on which words go on. */
  line?: boolean;
}

interface Props<T> {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  onOpen?: (row: T) => void;
  selected?: ReadonlySet<string>;
  onSelect?: (keys: Set<string>) => void;
  /** Called when the end comes into sight (the next page of a cursor). */
  onEnd?: () => void;
  empty?: ReactNode;
  height?: string;
}

const ROW_PX = 44;
/** On a phone a row is a card of lines, measured as it is drawn. */
const CARD_PX = 72;
/** On a phone: what a row is about, and at its end what is short. */
const CARD = "minmax(0, 1fr) fit-content(55%)";

const PHONE = "(max-width: 48em)";
const SMALL = "(max-width: 90em)";

function useMatch(media: string): boolean {
  const [matches, setMatches] = useState(() => window.matchMedia(media).matches);
  useEffect(() => {
    const query = window.matchMedia(media);
    const update = () => setMatches(query.matches);
    query.addEventListener("change", update);
    return () => query.removeEventListener("change", update);
  }, [media]);
  return matches;
}

/** Cards are measured and rows are not, so that what becomes wider or narrower begins anew. */
export function DataTable<T>(props: Props<T>) {
  const narrow = useMatch(PHONE);
  return <Sheet key={String(narrow)} narrow={narrow} {...props} />;
}

function Sheet<T>({ narrow, label, rows, columns, rowKey, onOpen, selected, onSelect, onEnd, empty, height = "calc(100dvh - 16rem)" }: Props<T> & { narrow: boolean }) {
  const { t } = useTranslation();
  const small = useMatch(SMALL);
  const [order, setOrder] = useState<{ key: string; down: boolean } | null>(null);
  const shown = useMemo(() => columns.filter((column) => !(narrow && column.wide) && !(small && column.large)), [columns, narrow, small]);
  const sorted = useMemo(() => {
    const by = columns.find((column) => column.key === order?.key)?.sort;
    if (!by || !order) return rows;
    const sign = order.down ? -1 : 1;
    return [...rows].sort((a, b) => sign * compare(by(a), by(b)));
  }, [rows, columns, order]);
  const ends = useMemo(() => endsOf(shown), [shown]);
  const scroller = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer keeps its own state, so the compiler leaves this component alone; it is fast without.
  const virtual = useVirtualizer({ count: sorted.length, getScrollElement: () => scroller.current, estimateSize: () => (narrow ? CARD_PX : ROW_PX), overscan: 12 });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (onEnd && last >= 0 && last >= sorted.length - 5) onEnd();
  }, [last, sorted.length, onEnd]);

  // The rows hold on to these for good, so that a new handler of the page draws none of them again.
  const latest = useRef({ onOpen, onSelect, selected });
  useLayoutEffect(() => {
    latest.current = { onOpen, onSelect, selected };
  });
  const open = useCallback((row: T) => latest.current.onOpen?.(row), []);
  const select = useCallback((key: string) => {
    const next = new Set(latest.current.selected);
    if (!next.delete(key)) next.add(key);
    latest.current.onSelect?.(next);
  }, []);

  const template = [onSelect ? "2.5rem" : "", ...(narrow ? [CARD] : shown.map((column) => column.width))].filter(Boolean).join(" ");
  if (rows.length === 0 && empty) return <>{empty}</>;
  const allSelected = selected !== undefined && rows.length > 0 && selected.size >= rows.length;

  return (
    <Box ref={scroller} className={classes.scroller} style={{ maxHeight: height }} data-narrow={narrow || undefined} role="region" aria-label={label} tabIndex={0}>
      <div role="table" aria-label={label} aria-rowcount={sorted.length + 1} className={classes.table}>
        <div role="row" aria-rowindex={1} className={classes.head} style={{ gridTemplateColumns: template }}>
          {onSelect && (
            <div role="columnheader" className={classes.cell} data-check>
              <Checkbox
                aria-label={t("table.selectAll")}
                checked={allSelected}
                indeterminate={!allSelected && (selected?.size ?? 0) > 0}
                onChange={() => onSelect(allSelected ? new Set() : new Set(rows.map(rowKey)))}
              />
            </div>
          )}
          {shown.map((column, place) => (
            <div
              key={column.key}
              role="columnheader"
              className={classes.cell}
              data-align={column.align}
              data-line={column.line}
              data-end={ends[place] || undefined}
              aria-sort={order?.key === column.key ? (order.down ? "descending" : "ascending") : undefined}
            >
              {column.sort ? (
                <UnstyledButton
                  className={classes.sort}
                  onClick={() => setOrder(order?.key === column.key ? (order.down ? null : { key: column.key, down: true }) : { key: column.key, down: false })}
                >
                  {column.header}
                  {order?.key === column.key && (order.down ? <IconArrowDown size={14} aria-hidden /> : <IconArrowUp size={14} aria-hidden />)}
                </UnstyledButton>
              ) : (
                column.header
              )}
            </div>
          ))}
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {items.map((item) => {
            const row = sorted[item.index];
            if (row === undefined) return null;
            const key = rowKey(row);
            return (
              <Row
                key={key}
                row={row}
                name={key}
                index={item.index}
                start={item.start}
                size={narrow ? undefined : item.size}
                measure={narrow ? virtual.measureElement : undefined}
                columns={shown}
                template={template}
                ends={ends}
                onOpen={onOpen && open}
                selected={selected?.has(key) ?? false}
                onSelect={onSelect && select}
              />
            );
          })}
        </div>
      </div>
    </Box>
  );
}

interface RowProps<T> {
  row: T;
  name: string;
  index: number;
  start: number;
  size: number | undefined;
  measure: ((element: Element | null) => void) | undefined;
  columns: readonly Column<T>[];
  template: string;
  ends: readonly boolean[];
  onOpen?: (row: T) => void;
  selected: boolean;
  onSelect?: (key: string) => void;
}

/** One row, drawn again only when something of its own changes, whatever scrolls past it or happens to its neighbours. */
function PlainRow<T>({ row, name, index, start, size, measure, columns, template, ends, onOpen, selected, onSelect }: RowProps<T>) {
  const { t } = useWords();
  return (
    <div
      ref={measure}
      role="row"
      data-index={index}
      aria-rowindex={index + 2}
      data-row={name}
      data-open={onOpen ? true : undefined}
      className={classes.row}
      style={{ gridTemplateColumns: template, transform: `translateY(${start}px)`, height: size }}
      tabIndex={onOpen ? 0 : undefined}
      onClick={onOpen ? () => onOpen(row) : undefined}
      onKeyDown={
        onOpen
          ? (event) => {
              // Only on the row itself: a button inside has keys of its own.
              if (event.key === "Enter" && event.target === event.currentTarget) onOpen(row);
            }
          : undefined
      }
    >
      {onSelect && (
        <div role="cell" className={classes.cell} data-check onClick={(event) => event.stopPropagation()}>
          <input type="checkbox" className={classes.check} aria-label={t("table.select", { name })} checked={selected} onChange={() => onSelect(name)} />
        </div>
      )}
      {columns.map((column, place) => (
        <div key={column.key} role="cell" className={classes.cell} data-align={column.align} data-line={column.line} data-end={ends[place] || undefined}>{column.cell(row)}</div>
      ))}
    </div>
  );
}

/** Which columns end a line of a card: every second one, counted anew after one that has a line of its own. */
function endsOf(columns: readonly { line?: boolean }[]): boolean[] {
  let second = true;
  return columns.map(({ line }) => {
    second = line ? true : !second;
    return second && !line;
  });
}

const Row = memo(PlainRow) as typeof PlainRow;

function compare(a: string | number | null | undefined, b: string | number | null | undefined): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
}

/** The link of a row that can be opened as a whole, too: a plain one, as there are as many as rows. */
export function RowLink({ to, children }: { to: string; children: ReactNode }) {
  return <Link className={classes.link} to={to} onClick={(event) => event.stopPropagation()}>{children}</Link>;
}

type Fact = readonly [string, ReactNode];

/** Name and value pairs, for the facts of one thing; many of them can stand in columns where there is room. */
export function Facts({ rows, columns = 1 }: { rows: readonly Fact[]; columns?: number }) {
  const each = Math.ceil(rows.length / columns);
  const parts = Array.from({ length: columns }, (_, index) => rows.slice(index * each, (index + 1) * each));
  return <SimpleGrid cols={{ base: 1, md: columns }} verticalSpacing={0} className={classes.facts}>{parts.map((part, index) => <Pairs key={index} rows={part} />)}</SimpleGrid>;
}

function Pairs({ rows }: { rows: readonly Fact[] }) {
  return (
    <Table variant="vertical" layout="fixed" withTableBorder={false}>
      <Table.Tbody>
        {rows.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={{ base: "40%", sm: "14rem" }}><Text size="sm" c="dimmed">{name}</Text></Table.Th>
            <Table.Td className="wrap-anywhere">{value ?? "–"}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
