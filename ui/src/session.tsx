/** Who is signed in, what they may do, and the way back to where they were when the login has expired. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { ApiError, api, ask, type Schemas, setCsrfToken, whenSessionLost } from "./api/client";
import { stream } from "./live/events";

export type Session = Schemas["SessionView"];

interface SessionState {
  session: Session | null;
  loading: boolean;
  error: Error | null;
  /** Somebody was signed in and is not any more, without having wished so. */
  expired: boolean;
  may: (permission: string) => boolean;
  signOut: () => Promise<void>;
}

const Context = createContext<SessionState | null>(null);
export const SESSION_KEY = ["session"] as const;

async function readSession(): Promise<Session | null> {
  try {
    const session = await ask(api.GET("/api/v1/session"));
    setCsrfToken(session.csrf_token ?? null);
    return session;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const query = useQuery({ queryKey: SESSION_KEY, queryFn: readSession, staleTime: 60_000 });
  const session = query.data ?? null;
  const signedIn = session !== null;
  const [wasSignedIn, setWasSignedIn] = useState(false);
  if (signedIn && !wasSignedIn) setWasSignedIn(true);

  useEffect(() => {
    whenSessionLost(() => client.setQueryData(SESSION_KEY, null));
  }, [client]);
  useEffect(() => {
    if (!signedIn) return;
    stream.start();
    let lost = false;
    const unwatch = stream.watch(() => {
      // The stream tells what was missed only as far back as it had told anything: what is shown is read anew.
      if (lost && stream.state === "live") void client.invalidateQueries();
      lost = stream.state === "lost" || (lost && stream.state !== "live");
    });
    return () => {
      unwatch();
      stream.stop();
    };
  }, [signedIn, client]);

  const signOut = useCallback(async () => {
    await ask(api.DELETE("/api/v1/session"));
    setCsrfToken(null);
    setWasSignedIn(false);
    // First who is signed in, which the page watches; then everything that was read for them.
    client.setQueryData(SESSION_KEY, null);
    client.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION_KEY[0] });
  }, [client]);

  const value = useMemo<SessionState>(
    () => ({
      session,
      loading: query.isPending,
      error: query.error,
      expired: wasSignedIn && !signedIn,
      may: (permission) => session?.permissions.includes(permission) ?? false,
      signOut,
    }),
    [session, query.isPending, query.error, wasSignedIn, signedIn, signOut],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useSession(): SessionState {
  const state = useContext(Context);
  if (state === null) throw new Error("useSession needs a SessionProvider above it");
  return state;
}
