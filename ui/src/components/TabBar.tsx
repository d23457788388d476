import { Tabs } from "@mantine/core";
import { useEffect, useRef } from "react";

/** The tabs of a page. On a phone they are one line that scrolls, and the one that is open is in sight. */
export function TabBar<Key extends string>({ tabs, current, label }: { tabs: readonly Key[]; current: Key; label: (key: Key) => string }) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector("[data-active]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [current]);
  return <Tabs.List ref={list} mb="md">{tabs.map((key) => <Tabs.Tab key={key} value={key}>{label(key)}</Tabs.Tab>)}</Tabs.List>;
}
