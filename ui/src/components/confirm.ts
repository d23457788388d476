/** Asks before something that cannot be undone. The window is the frame's (`layout/Asked`), fetched with the first question. */
import { type ReactNode, useSyncExternalStore } from "react";

export interface Question {
  title: string;
  text: ReactNode;
  /** The word on the button that does it. */
  confirm: string;
  /** What goes wrong in it is told. */
  act: () => unknown;
}

let asked: Question | null = null;
const watchers = new Set<() => void>();

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function ask(question: Question | null): void {
  asked = question;
  for (const watcher of watchers) watcher();
}

export function useConfirm(): (question: Question) => void {
  return ask;
}

/** The question that waits for its answer, and what takes it away again. */
export function useQuestion(): [Question | null, () => void] {
  return [useSyncExternalStore(watch, () => asked), () => ask(null)];
}
