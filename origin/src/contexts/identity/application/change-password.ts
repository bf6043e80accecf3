import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { identityErrors } from "../errors.ts";
import type { Client } from "./client.ts";
import { normalisePassword } from "./credentials.ts";
import { refuseGuessable } from "./password-rules.ts";
import type { AnnounceSessions, Attempts, BreachedPasswords, PasswordHasher, Users } from "./ports.ts";
import { throttled } from "./throttle.ts";
import type { Trail } from "./trail.ts";

export interface ChangePasswordDependencies {
  readonly users: Users;
  readonly passwords: PasswordHasher;
  readonly breached: BreachedPasswords;
  readonly attempts: Attempts;
  readonly announce: AnnounceSessions;
  readonly trail: Trail;
  readonly clock: Clock;
}

export interface Changer {
  readonly userId: number;
  /** Goes on; every other session of the user ends. */
  readonly sessionId: string;
  readonly client: Client;
}

/**
 * Returns how many sessions it ended. Whoever came by a provider and has no password yet sets the first one. Of two
 * at once the later finds another password than it checked, or its own session ended, and changes nothing.
 */
export async function changePassword(
  on: ChangePasswordDependencies,
  { userId, sessionId, client }: Changer,
  current: string | undefined,
  next: string,
): Promise<number> {
  const user = await on.users.findById(userId);
  if (user === undefined) throw new Refusal(identityErrors.sessionRevoked);
  const { username, passwordHash } = user;
  const refused = { kind: "password_refused", userId, sessionId, client } as const;
  const wrong = () => {
    on.trail.record({ ...refused, detail: identityErrors.passwordWrong.code });
    return new Refusal(identityErrors.passwordWrong);
  };
  if (passwordHash !== undefined) {
    await throttled(on, { shares: [["passwordChange", String(userId)]], refused }, async () => {
      const given = normalisePassword(current ?? "");
      const { matches } = await on.passwords.verify(given, passwordHash, client.address);
      if (!matches) throw wrong();
    });
  }
  await refuseGuessable(on.breached, username, next);
  const to = await on.passwords.hash(normalisePassword(next), client.address);
  const nowMs = on.clock();
  const changed = await on.users.changePassword({ userId, sessionId, from: passwordHash, to, nowMs });
  if (changed.outcome === "session-ended") throw new Refusal(identityErrors.sessionRevoked);
  if (changed.outcome === "other-password") throw wrong();
  const { ended } = changed;
  await on.announce(ended);
  const detail = `${ended.length} other sessions ended`;
  on.trail.record({ kind: "password_changed", userId, sessionId, detail, client });
  return ended.length;
}
