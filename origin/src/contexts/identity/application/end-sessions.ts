import type { Clock } from "../../../kernel/clock.ts";
import type { AnnounceSessions, RefreshTokens, Sessions } from "./ports.ts";

export interface EndSessionsDependencies {
  readonly sessions: Sessions;
  readonly refreshTokens: RefreshTokens;
  readonly announce: AnnounceSessions;
  readonly clock: Clock;
}

/** Ends the session that the token belongs to. Saying it twice, or of an unknown token, changes nothing. */
export async function logOut(on: EndSessionsDependencies, refreshToken: string): Promise<void> {
  const ended = await on.sessions.endByToken(on.refreshTokens.hash(refreshToken), on.clock());
  await on.announce(ended);
}

export type Whose = { readonly userId: number } | { readonly sessionId: string };

/** Returns how many live sessions were ended. */
export async function revokeSessions(on: EndSessionsDependencies, whose: Whose): Promise<number> {
  const ended =
    "userId" in whose
      ? await on.sessions.endAllOf(whose.userId, on.clock())
      : await on.sessions.endById(whose.sessionId, on.clock());
  await on.announce(ended);
  return ended.length;
}
