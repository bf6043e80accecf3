import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { NewId } from "../../../kernel/ids.ts";
import type { User } from "../domain/session.ts";
import { identityErrors } from "../errors.ts";
import type { Client } from "./client.ts";
import { isUsername, normalisePassword } from "./credentials.ts";
import { refuseGuessable } from "./password-rules.ts";
import type {
  AccessTokens,
  AnnounceSessions,
  Attempts,
  BreachedPasswords,
  PasswordHasher,
  RefreshTokens,
  Sessions,
  Users,
} from "./ports.ts";
import { throttled } from "./throttle.ts";
import type { Trail, TrailKind } from "./trail.ts";

export interface SignInDependencies {
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: PasswordHasher;
  readonly breached: BreachedPasswords;
  readonly attempts: Attempts;
  readonly accessTokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  readonly announce: AnnounceSessions;
  readonly trail: Trail;
  readonly refreshTokenTtlSeconds: number;
  readonly refreshTokenIdleSeconds: number;
  readonly clock: Clock;
  readonly newId: NewId;
}

/** What a client holds after signing in. */
export interface Grant {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds for which the access token is good. */
  readonly expiresIn: number;
  readonly user: User;
}

/** A name that is taken counts against the address: whoever asks for many learns which accounts exist. */
export async function register(
  on: SignInDependencies,
  username: string,
  password: string,
  client: Client,
): Promise<Grant> {
  await refuseGuessable(on.breached, username, password);
  return throttled(on.attempts, on.clock, { address: client.address }, async () => {
    const hash = await on.passwords.hash(normalisePassword(password));
    const user = await on.users.insert(username, hash, on.clock());
    if (user === undefined) throw new Refusal(identityErrors.usernameTaken);
    return startSession(on, user, client, "registered");
  });
}

/** Throttled by what was typed, before anybody looks whether there is such a user. */
export async function logIn(
  on: SignInDependencies,
  username: string,
  password: string,
  client: Client,
): Promise<Grant> {
  const { address } = client;
  const user = await throttled(on.attempts, on.clock, { username, address }, () =>
    checkPassword(on, username, password, client),
  );
  return startSession(on, user, client, "signed_in");
}

/**
 * A wrong password and an unknown user give the same answer at the same cost; so does a user without a password. So
 * does a name that nobody can have; it is not looked up, as the database refuses to compare some and takes others
 * for a name of ours.
 */
async function checkPassword(
  on: SignInDependencies,
  username: string,
  password: string,
  client: Client,
): Promise<User> {
  const normalised = normalisePassword(password);
  const found = isUsername(username) ? await on.users.findByUsername(username) : undefined;
  if (found?.passwordHash === undefined) {
    await on.passwords.verifyNothing(normalised);
    throw refused(on, undefined, client);
  }
  const { matches, outdated } = await on.passwords.verify(normalised, found.passwordHash);
  if (!matches) throw refused(on, found.id, client);
  if (outdated) await on.users.setPasswordHash(found.id, await on.passwords.hash(normalised));
  return { id: found.id, username: found.username };
}

/** The name that was tried is not kept: people type passwords there. */
function refused(on: SignInDependencies, userId: number | undefined, client: Client): Refusal {
  const refusal = new Refusal(identityErrors.invalidCredentials);
  on.trail.record({ kind: "sign_in_refused", userId, detail: refusal.definition.code, client });
  return refusal;
}

/** However somebody proved who they are: from here on they hold tokens. */
export async function startSession(
  on: SignInDependencies,
  user: User,
  client: Client,
  kind: TrailKind,
  detail?: string,
): Promise<Grant> {
  const nowMs = on.clock();
  const refreshToken = on.refreshTokens.create();
  const session = await on.sessions.start(
    { id: on.newId(), userId: user.id, expiresAtMs: nowMs + on.refreshTokenTtlSeconds * 1_000 },
    on.refreshTokens.hash(refreshToken),
    client,
    nowMs,
  );
  await on.announce([session]);
  on.trail.record({ kind, userId: user.id, sessionId: session.id, detail, client });
  return grant(on.accessTokens, refreshToken, session.id, user, nowMs);
}

export async function grant(
  accessTokens: AccessTokens,
  refreshToken: string,
  sessionId: string,
  user: User,
  nowMs: number,
): Promise<Grant> {
  const accessToken = await accessTokens.sign(user.id, sessionId, nowMs);
  return { accessToken, refreshToken, expiresIn: accessTokens.ttlSeconds, user };
}
