/** The event stream: one EventSource for the page, its state shown, its events given to whoever listens. */
import { useEffect, useRef, useSyncExternalStore } from "react";

export interface LiveEvent {
  id: string;
  type: string;
  station_id?: string | null;
  at: string;
  data: Record<string, unknown>;
}

export type StreamState = "connecting" | "live" | "lost";
type Listener = (event: LiveEvent) => void;

const RETRY_MS = 3_000;

class EventStream {
  private source: EventSource | null = null;
  private lastEventId = "";
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly listeners = new Set<Listener>();
  private readonly watchers = new Set<() => void>();
  state: StreamState = "connecting";

  start(): void {
    if (this.source !== null) return;
    window.addEventListener("offline", this.onOffline);
    window.addEventListener("online", this.onOnline);
    const query = this.lastEventId ? `?last_event_id=${encodeURIComponent(this.lastEventId)}` : "";
    const source = new EventSource(`/api/v1/events${query}`);
    this.source = source;
    source.onopen = () => this.setState("live");
    source.onmessage = (message) => this.deliver(message);
    source.onerror = () => {
      // Resumed by hand, so that the place in the stream is ours to keep also after the server was away.
      source.close();
      if (this.source !== source) return;
      this.source = null;
      this.setState("lost");
      this.retry = setTimeout(() => this.start(), RETRY_MS);
    };
  }

  /** Do not wait for the next try. */
  retryNow(): void {
    clearTimeout(this.retry);
    this.start();
  }

  /** The line is gone: a stream that is open would not notice for minutes. */
  private readonly onOffline = (): void => {
    this.source?.close();
    this.source = null;
    this.setState("lost");
  };

  private readonly onOnline = (): void => this.retryNow();

  stop(): void {
    window.removeEventListener("offline", this.onOffline);
    window.removeEventListener("online", this.onOnline);
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
    this.setState("connecting");
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  private deliver(message: MessageEvent<string>): void {
    if (message.lastEventId) this.lastEventId = message.lastEventId;
    let event: LiveEvent;
    try {
      event = JSON.parse(message.data) as LiveEvent;
    } catch {
      return;
    }
    for (const listener of this.listeners) listener(event);
  }

  private setState(state: StreamState): void {
    this.state = state;
    for (const watcher of this.watchers) watcher();
  }
}

export const stream = new EventStream();

export function useStreamState(): StreamState {
  return useSyncExternalStore(stream.watch, () => stream.state);
}

/** Call `listener` for each event of these types (prefixes such as "transaction." are understood). */
export function useEvents(types: readonly string[], listener: Listener): void {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  const key = types.join(",");
  useEffect(() => {
    const wanted = key.split(",");
    return stream.listen((event) => {
      if (wanted.some((type) => event.type === type || (type.endsWith(".") && event.type.startsWith(type))))
        latest.current(event);
    });
  }, [key]);
}
