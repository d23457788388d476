/** The one way to the API: typed calls, errors in the words of the problem, CSRF on what changes things. */
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** What the API answers when it refuses (problem+json). */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  code?: string;
  errors?: { field: string; message: string }[];
}

export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = "ApiError";
    this.problem = problem;
  }

  get status(): number {
    return this.problem.status;
  }

  /** What is wrong with one field of a form, if the API said so. */
  field(name: string): string | undefined {
    return this.problem.errors?.find((error) => error.field === name || error.field.endsWith(`.${name}`))?.message;
  }
}

/** What kind of refusal it was, by the API's own name for it. */
export function problemCode(error: unknown): string | undefined {
  return error instanceof ApiError ? error.problem.code : undefined;
}

let csrfToken: string | null = null;
let onSessionLost: () => void = () => undefined;

export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Called when a call is answered 401: the login has expired. */
export function whenSessionLost(callback: () => void): void {
  onSessionLost = callback;
}

const guard: Middleware = {
  onRequest({ request }) {
    if (csrfToken !== null && request.method !== "GET") request.headers.set("X-CSRF-Token", csrfToken);
    return request;
  },
  onResponse({ request, response }) {
    if (response.status === 401 && !new URL(request.url).pathname.endsWith("/session")) onSessionLost();
    return response;
  },
};

export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });
api.use(guard);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer, or an ApiError that says what the problem is. */
export async function ask<T>(pending: Promise<Answer<T>>): Promise<Exclude<T, string>> {
  let answer: Answer<T>;
  try {
    answer = await pending;
  } catch (cause) {
    throw new ApiError({ title: "unreachable", status: 0, detail: cause instanceof Error ? cause.message : undefined });
  }
  if (answer.error !== undefined || !answer.response.ok) throw new ApiError(problemOf(answer.error, answer.response));
  // Lists may also be had as CSV, which is text; here they never are.
  return answer.data as Exclude<T, string>;
}

function problemOf(error: unknown, response: Response): Problem {
  if (typeof error === "object" && error !== null && "title" in error) return error as Problem;
  return { title: response.statusText || "Error", status: response.status };
}

/** Calls whose path is only known at run time (commands of any action). */
export async function post<T extends object>(path: string, body: unknown): Promise<T> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (csrfToken !== null) headers["X-CSRF-Token"] = csrfToken;
  return send<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function send<T extends object>(path: string, request: RequestInit): Promise<T> {
  const answer = ask<T>(
    fetch(path, { ...request, credentials: "same-origin" }).then(async (response) => {
      if (response.status === 401) onSessionLost();
      const parsed: unknown = await response.json().catch(() => undefined);
      return response.ok ? { data: parsed as T, response } : { error: parsed ?? {}, response };
    }),
  );
  return answer as Promise<T>;
}

/** A file as the body, as it is. */
export async function upload<T extends object>(path: string, file: Blob): Promise<T> {
  const headers: Record<string, string> = { "Content-Type": "application/octet-stream" };
  if (csrfToken !== null) headers["X-CSRF-Token"] = csrfToken;
  return send<T>(path, { method: "POST", headers, body: file });
}
