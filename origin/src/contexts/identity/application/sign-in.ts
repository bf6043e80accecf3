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
  CheckedPassword,
  NewSession,
  PasswordHasher,
  RefreshTokens,
  Sessions,
  StartedSession,
  Users,
} from "./ports.ts";
import { type Share, throttled } from "./throttle.ts";
import type { Trail, TrailEvent, TrailKind } from "./trail.ts";

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
  const refused = { kind: "registration_refused", client } as const;
  return throttled(on, { shares: [["address", client.address]], refused }, async () => {
    const hash = await on.passwords.hash(normalisePassword(password), client.address);
    const user = await on.users.insert(username, hash, on.clock());
    if (user === undefined) {
      on.trail.record({ ...refused, detail: identityErrors.usernameTaken.code });
      throw new Refusal(identityErrors.usernameTaken);
    }
    return startSession(on, user, client, "registered");
  });
}

/** How often a password is looked at that was right, when the hash is another by the time the session starts. */
const checksMax = 2;

/**
 * Throttled by what was typed, before anybody looks whether there is such a user. The password counts that the user
 * has when the session starts; it may have been changed while this one waited to be hashed, or only hashed anew.
 */
export async function logIn(
  on: SignInDependencies,
  username: string,
  password: string,
  client: Client,
): Promise<Grant> {
  // Names differ in case only by how they are typed.
  const shares: readonly Share[] = [
    ["address", client.address],
    ["account", username.toLowerCase()],
  ];
  return throttled(on, { shares, refused: { kind: "sign_in_refused", client } }, async () => {
    for (let checks = 1; ; checks++) {
      const { user, checked } = await checkPassword(on, username, password, client);
      const opening = openingFor(on, user, client);
      const started = await on.sessions.startByPassword(opening.session, checked);
      if (started !== undefined) return hand(on, user, opening, started, { kind: "signed_in", client });
      if (checks === checksMax) throw refused(on, user.id, client);
    }
  });
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
): Promise<{ user: User; checked: CheckedPassword }> {
  const normalised = normalisePassword(password);
  const found = isUsername(username) ? await on.users.findByUsername(username) : undefined;
  if (found?.passwordHash === undefined) {
    await on.passwords.verifyNothing(normalised, client.address);
    throw refused(on, undefined, client);
  }
  const { passwordHash: hash } = found;
  const { matches, outdated } = await on.passwords.verify(normalised, hash, client.address);
  if (!matches) throw refused(on, found.id, client);
  const renewed = outdated ? await on.passwords.hash(normalised, client.address) : undefined;
  return {
    user: { id: found.id, username: found.username },
    checked: { hash, renewed },
  };
}

/** The name that was tried is not kept: people type passwords there. */
function refused(on: SignInDependencies, userId: number | undefined, client: Client): Refusal {
  const refusal = new Refusal(identityErrors.invalidCredentials);
  on.trail.record({ kind: "sign_in_refused", userId, detail: refusal.definition.code, client });
  return refusal;
}

/** Somebody proved who they are by something else than a password, or has just come into being. */
export async function startSession(
  on: SignInDependencies,
  user: User,
  client: Client,
  kind: TrailKind,
  detail?: string,
): Promise<Grant> {
  const opening = openingFor(on, user, client);
  const started = await on.sessions.start(opening.session);
  return hand(on, user, opening, started, { kind, detail, client });
}

interface Opening {
  readonly refreshToken: string;
  readonly session: NewSession;
}

function openingFor(on: SignInDependencies, { id: userId }: User, client: Client): Opening {
  const nowMs = on.clock();
  const expiresAtMs = nowMs + on.refreshTokenTtlSeconds * 1_000;
  const refreshToken = on.refreshTokens.create();
  const tokenHash = on.refreshTokens.hash(refreshToken);
  return { refreshToken, session: { id: on.newId(), userId, expiresAtMs, tokenHash, client, nowMs } };
}

/** From here on they hold tokens. */
async function hand(
  on: SignInDependencies,
  user: User,
  { refreshToken, session: { nowMs } }: Opening,
  { session, ended }: StartedSession,
  event: TrailEvent,
): Promise<Grant> {
  await on.announce([...ended, session]);
  on.trail.record({ ...event, userId: user.id, sessionId: session.id });
  for (const { id: sessionId, userId } of ended) {
    on.trail.record({
      kind: "session_ended",
      userId,
      sessionId,
      detail: "one too many",
      client: event.client,
    });
  }
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
