/**
 * Keeps this browser signed in. Tokens are in cookies that no script can read, so what this page knows is what the
 * service answers:
 *
 *     unknown ──▶ signed in ◀──▶ signed out
 *
 * An access token lives minutes; when a request finds it over, it is refreshed and the request repeated. All tabs
 * share the cookies, so one of them refreshes at a time, and whoever signs in or out tells the others to look again.
 * A service that can't be reached changes nothing: only a 401 means that somebody is out.
 */
export interface Person {
  readonly id: number;
  readonly username: string;
}

export interface Problem {
  readonly code: string;
  readonly title: string;
}

export type Reply<T> =
  | { readonly ok: true; readonly body: T }
  | { readonly ok: false; readonly status: number; readonly problem: Problem };

export interface Session {
  /** A request of somebody who is signed in. */
  ask<T>(method: string, path: string, body?: object): Promise<Reply<T>>;
  signIn(username: string, password: string): Promise<Reply<unknown>>;
  /** Creates the account and signs in to it. */
  register(username: string, password: string): Promise<Reply<unknown>>;
  signOut(): Promise<Reply<unknown>>;
  /** Asks the service who is signed in, and shows it. */
  look(): Promise<void>;
}

/** Somebody may have been signed out elsewhere: look so often, and whenever the page is looked at. */
const lookIntervalMs = 30_000;
const requestTimeoutMs = 15_000;

export function keepSession(show: (person: Person | undefined) => void): Session {
  const tabs = new BroadcastChannel("sluice-session");

  const look = async () => {
    const reply = await ask<{ user: Person }>("GET", "/auth/session");
    if (reply.ok) show(reply.body.user);
    else if (reply.status === 401) show(undefined);
  };

  /** Looks at the service's answer and not at what the other tab says. */
  tabs.onmessage = () => void look();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void look();
  });
  setInterval(() => void look(), lookIntervalMs);

  const tellTabs = async (reply: Reply<unknown>) => {
    if (reply.ok) {
      tabs.postMessage("look");
      await look();
    }
    return reply;
  };

  const enter = async (path: string, username: string, password: string) =>
    tellTabs(await send("POST", path, { username, password, cookies: true }));

  return {
    ask,
    look,
    signIn: (username, password) => enter("/auth/login", username, password),
    register: (username, password) => enter("/auth/register", username, password),
    signOut: async () => {
      const reply = await send("POST", "/auth/logout", {});
      // Without a refresh token nobody is signed in who could be signed out.
      return tellTabs(reply.ok || reply.status !== 401 ? reply : { ok: true, body: undefined });
    },
  };
}

async function ask<T>(method: string, path: string, body?: object): Promise<Reply<T>> {
  const first = await send<T>(method, path, body);
  if (first.ok || first.status !== 401) return first;
  return navigator.locks.request("sluice-refresh", async () => {
    // While we waited for our turn, another tab may have refreshed for us.
    const second = await send<T>(method, path, body);
    if (second.ok || second.status !== 401) return second;
    const refreshed = await send("POST", "/auth/refresh", {});
    if (!refreshed.ok) return refreshed;
    return send<T>(method, path, body);
  });
}

async function send<T>(method: string, path: string, body?: object): Promise<Reply<T>> {
  try {
    const answer = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      credentials: "same-origin",
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    const text = await answer.text();
    const value: unknown = text === "" ? undefined : JSON.parse(text);
    if (answer.ok) return { ok: true, body: value as T };
    return { ok: false, status: answer.status, problem: value as Problem };
  } catch {
    // No connection, no answer in time, or none that a service of ours would give.
    return { ok: false, status: 0, problem: { code: "unreachable", title: "The service can't be reached" } };
  }
}
