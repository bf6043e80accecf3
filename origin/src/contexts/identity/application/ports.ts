import type { AttemptBudget } from "../domain/attempt-budget.ts";
import type { Session, User } from "../domain/session.ts";
import type { Client } from "./client.ts";

/** What the use cases need of the world outside. */
export interface Users {
  /** Undefined when the username is taken. */
  insert(username: string, passwordHash: string, nowMs: number): Promise<User | undefined>;
  findByUsername(username: string): Promise<UserWithPassword | undefined>;
  findById(userId: number): Promise<UserWithPassword | undefined>;
  setPasswordHash(userId: number, passwordHash: string): Promise<void>;
  /** Sets it and ends all sessions of the user but the one that asks, in one transaction. */
  changePassword(change: PasswordChange): Promise<PasswordChanged>;
}

export interface PasswordChange {
  readonly userId: number;
  /** The one that asks. If it ended in the meantime, nothing is changed. */
  readonly sessionId: string;
  /** The hash that was checked, undefined when there was none. If it is another by now, nothing is changed. */
  readonly from: string | undefined;
  readonly to: string;
  readonly nowMs: number;
}

export type PasswordChanged =
  | { readonly outcome: "changed"; readonly ended: readonly Session[] }
  | { readonly outcome: "session-ended" }
  | { readonly outcome: "other-password" };

export type UserWithPassword = User & {
  /** Undefined for whoever signs in by a provider only. */
  readonly passwordHash: string | undefined;
};

export interface RotationRequest {
  readonly tokenHash: Buffer;
  /**
   * Of what the token may be traded for: first the successor that a trade of today makes, then those that trades
   * of a moment ago may have made, under keys that are on their way out.
   */
  readonly successorHashes: readonly [Buffer, ...Buffer[]];
  readonly client: Client;
  readonly nowMs: number;
  readonly leewayMs: number;
  /** A token that nobody used for so long is over. */
  readonly idleMs: number;
}

export type Rotation =
  /** `successor` is the place of the one that counts among `successorHashes`. */
  | {
      readonly outcome: "rotated";
      readonly session: Session;
      readonly user: User;
      readonly successor: number;
    }
  | { readonly outcome: "reused"; readonly ended: Session }
  | { readonly outcome: "ended"; readonly session: Session }
  | { readonly outcome: "idle"; readonly session: Session }
  | { readonly outcome: "unknown" };

/** One of a person's own sessions. */
export interface SessionInUse {
  readonly id: string;
  readonly createdAtMs: number;
  /** When it got its latest tokens, so at most an access token's life ago while it is in use. */
  readonly lastUsedAtMs: number;
  readonly expiresAtMs: number;
  readonly userAgent: string;
  readonly address: string;
  readonly country: string;
}

export interface NewSession {
  readonly id: string;
  readonly userId: number;
  readonly expiresAtMs: number;
  /** Of its first refresh token. */
  readonly tokenHash: Buffer;
  readonly client: Client;
  readonly nowMs: number;
}

/** A password that was right when it was looked at, which may be a while ago. */
export interface CheckedPassword {
  /** The hash that it matched. */
  readonly hash: string;
  /** The same password hashed as we do it today, where that one was older. */
  readonly renewed: string | undefined;
}

export interface StartedSession {
  readonly session: Session;
  /** The oldest of the user, where there would have been too many. */
  readonly ended: readonly Session[];
}

export interface Sessions {
  start(session: NewSession): Promise<StartedSession>;
  /** Undefined, and nothing happened, when the user has another hash than the one that was checked. */
  startByPassword(session: NewSession, password: CheckedPassword): Promise<StartedSession | undefined>;
  /** Replaces a token by its successor, in one transaction; see the adapter for what each outcome means. */
  rotate(request: RotationRequest): Promise<Rotation>;
  /** The sessions of a user that can still be used, the one used last first. */
  list(userId: number, nowMs: number, idleMs: number, max: number): Promise<readonly SessionInUse[]>;
  /** Each returns the sessions that it ended; those that had ended before are not among them. */
  endByToken(tokenHash: Buffer, nowMs: number): Promise<Session[]>;
  endById(sessionId: string, nowMs: number): Promise<Session[]>;
  /** Only if it is that user's. */
  endOwn(userId: number, sessionId: string, nowMs: number): Promise<Session[]>;
  endAllOf(userId: number, nowMs: number): Promise<Session[]>;
  endOthersOf(userId: number, sessionId: string, nowMs: number): Promise<Session[]>;
  /** Forgets sessions that were over before that, with their tokens; at most `max`. Returns how many. */
  forget(overBeforeMs: number, max: number): Promise<number>;
}

/** Hashing is dear, so addresses take turns at it, and one that has too much under way is refused as `auth.busy`. */
export interface PasswordHasher {
  hash(password: string, address?: string): Promise<string>;
  verify(
    password: string,
    hash: string,
    address?: string,
  ): Promise<{ readonly matches: boolean; readonly outdated: boolean }>;
  /** Costs as much as `verify` and is always false. */
  verifyNothing(password: string, address?: string): Promise<void>;
}

export interface BreachedPasswords {
  has(password: string): Promise<boolean>;
}

export interface TakenAttempt {
  giveBack(): Promise<void>;
}

export interface Attempts {
  /** Never fails. When the budget is empty, how long until the next attempt. */
  take(
    kind: string,
    who: string,
    budget: AttemptBudget,
    nowMs: number,
  ): Promise<TakenAttempt | { readonly waitMs: number }>;
}

export interface AccessTokens {
  readonly ttlSeconds: number;
  sign(userId: number, sessionId: string, nowMs: number): Promise<string>;
}

export interface RefreshTokens {
  create(): string;
  /** Whether it has the form of one; any other is known to be nobody's without asking. */
  hasForm(token: string): boolean;
  /**
   * What a token is traded for: always the same, and nobody without the server's keys can compute it. One for each
   * key: first the one that counts now, then those by which a trade may have been made a moment ago.
   */
  successorsOf(token: string): readonly [string, ...string[]];
  hash(token: string): Buffer;
}

/** Lets the edges know before the relay does. Never fails: the relay brings the same news a moment later. */
export type AnnounceSessions = (sessions: readonly Session[]) => Promise<void>;
