import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { Session } from "../domain/session.ts";
import { identityErrors } from "../errors.ts";
import type { Client } from "./client.ts";
import type { AnnounceSessions, RefreshTokens, Sessions } from "./ports.ts";
import { type ThrottleDependencies, throttled } from "./throttle.ts";
import type { Trail, TrailKind } from "./trail.ts";

export interface EndSessionsDependencies {
  readonly sessions: Sessions;
  readonly refreshTokens: RefreshTokens;
  readonly announce: AnnounceSessions;
  readonly trail: Trail;
  readonly clock: Clock;
}

/**
 * Ends the session that the token belongs to. Saying it twice, or of an unknown token, changes nothing, and can be
 * done as often as an unknown token can be traded.
 */
export async function logOut(
  on: EndSessionsDependencies & ThrottleDependencies,
  refreshToken: string,
  client: Client,
): Promise<void> {
  if (!on.refreshTokens.hasForm(refreshToken)) return;
  const ended = await throttled(
    on,
    { shares: [["unknownToken", client.address]], refused: { kind: "refresh_refused", client } },
    () => on.sessions.endByToken(on.refreshTokens.hash(refreshToken), on.clock()),
    (sessions) => sessions.length === 0,
  );
  await tell(on, ended, "signed_out", client);
}

/** Somebody who is signed in, by one of their sessions. */
export interface SignedIn {
  readonly id: number;
  readonly sessionId: string;
}

/** Ends one of one's own sessions, the one in use included. What is no live session of theirs is unknown to them. */
export async function endOwnSession(
  on: EndSessionsDependencies,
  user: SignedIn,
  sessionId: string,
  client: Client,
): Promise<void> {
  const ended = await on.sessions.endOwn(user.id, sessionId, on.clock());
  if (ended.length === 0) throw new Refusal(identityErrors.sessionUnknown);
  await tell(on, ended, "session_ended", client);
}

/** Ends all sessions of theirs but the one in use, as after a change of the password. Returns how many. */
export async function endOtherSessions(
  on: EndSessionsDependencies,
  user: SignedIn,
  client: Client,
): Promise<number> {
  const ended = await on.sessions.endOthersOf(user.id, user.sessionId, on.clock());
  await tell(on, ended, "session_ended", client);
  return ended.length;
}

export type Whose = { readonly userId: number } | { readonly sessionId: string };

/** For operators. Returns how many live sessions were ended. */
export async function revokeSessions(
  on: EndSessionsDependencies,
  whose: Whose,
  operator: string,
  client: Client,
): Promise<number> {
  const ended =
    "userId" in whose
      ? await on.sessions.endAllOf(whose.userId, on.clock())
      : await on.sessions.endById(whose.sessionId, on.clock());
  await tell(on, ended, "session_revoked", client, operator);
  return ended.length;
}

async function tell(
  on: EndSessionsDependencies,
  ended: readonly Session[],
  kind: TrailKind,
  client: Client,
  operator?: string,
): Promise<void> {
  await on.announce(ended);
  for (const { id: sessionId, userId } of ended)
    on.trail.record({ kind, userId, sessionId, operator, client });
}
