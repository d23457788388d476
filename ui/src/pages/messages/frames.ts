/** Frames as they went over the wire, and how to show them in a line. */
import type { Schemas } from "../../api/client";

type Message = Pick<Schemas["MessageView"], "kind" | "answer_kind">;

/** Without the type, the id and the action, which are told beside it; what is no frame of OCPP stays as it is. */
export function bodyOf(frame: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(frame);
  } catch {
    return frame;
  }
  if (!Array.isArray(parsed)) return frame;
  const [type] = parsed as unknown[];
  if (type === 2 && parsed.length === 4) return JSON.stringify(parsed[3]);
  if (type === 3 && parsed.length === 3) return JSON.stringify(parsed[2]);
  if (type === 4 && parsed.length >= 3) return parsed.slice(2).map((part) => (typeof part === "string" ? part : JSON.stringify(part))).join(" · ");
  return frame;
}

export function isBad(message: Message): boolean {
  return message.kind === "unreadable" || message.kind === "call_error" || message.answer_kind === "call_error";
}

/** From the question to the answer, in a unit that people read. */
export function formatLatency(us: number): string {
  return us >= 1_000_000 ? `${(us / 1_000_000).toFixed(2)} s` : us >= 1000 ? `${(us / 1000).toFixed(1)} ms` : `${us} µs`;
}

type Row = Pick<Schemas["MessageView"], "kind" | "connection_id" | "message_id" | "frame" | "answer" | "answer_kind" | "latency_us" | "error_code">;

/** Answers that are listed by themselves go to their question, if that is in the list. */
export function paired<T extends Row>(rows: readonly T[]): T[] {
  const key = (row: Row) => `${row.connection_id}|${row.message_id}`;
  const answers = new Map(rows.filter((row) => row.kind === "call_result" || row.kind === "call_error").map((row) => [key(row), row]));
  const asked = new Set(rows.filter((row) => row.kind === "call").map(key));
  return rows.flatMap((row) => {
    const answer = answers.get(key(row));
    if (row.kind === "call" && answer && !row.answer) return [{ ...row, answer: answer.frame, answer_kind: answer.kind, latency_us: row.latency_us ?? answer.latency_us, error_code: row.error_code ?? answer.error_code }];
    return row === answer && asked.has(key(row)) ? [] : [row];
  });
}
