import type { Clock } from "../../../kernel/clock.ts";
import { sessionLimits } from "../domain/session.ts";
import { deviceOf } from "./client.ts";
import type { SignedIn } from "./end-sessions.ts";
import type { SessionInUse, Sessions } from "./ports.ts";

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
  const sessions = await on.sessions.list(user.id, on.clock(), idleMs, sessionLimits.perUserMax);
  return sessions.map((session) => ({
    ...session,
    current: session.id === user.sessionId,
    device: deviceOf(session.userAgent),
  }));
}
