import type { Clock } from "../../../kernel/clock.ts";
import { deviceOf } from "./client.ts";
import type { SignedIn } from "./end-sessions.ts";
import type { SessionInUse, Sessions } from "./ports.ts";

/** More are not shown; whoever has more ends all others. */
export const listedSessionsMax = 100;

export interface OwnSession extends SessionInUse {
  /** The one that asks. */
  readonly current: boolean;
  readonly device: string;
}

export async function listOwnSessions(
  on: { readonly sessions: Sessions; readonly refreshTokenIdleSeconds: number; readonly clock: Clock },
  user: SignedIn,
): Promise<readonly OwnSession[]> {
  const idleMs = on.refreshTokenIdleSeconds * 1_000;
  const sessions = await on.sessions.list(user.id, on.clock(), idleMs, listedSessionsMax);
  return sessions.map((session) => ({
    ...session,
    current: session.id === user.sessionId,
    device: deviceOf(session.userAgent),
  }));
}
