import type { AttemptBudget } from "../domain/attempt-budget.ts";
import type { Session, User } from "../domain/session.ts";

/** Where a request comes from. */
export interface Caller {
  readonly address: string;
  readonly country: string;
  readonly userAgent: string;
}

/** What the use cases need of the world outside. */
export interface Users {
  /** Undefined when the username is taken. */
  insert(username: string, passwordHash: string, nowMs: number): Promise<User | undefined>;
  findByUsername(username: string): Promise<UserWithPassword | undefined>;
  findById(userId: number): Promise<UserWithPassword | undefined>;
  setPasswordHash(userId: number, passwordHash: string): Promise<void>;
  /** Sets it and ends all sessions of the user but one, in one transaction. Returns those that it ended. */
  changePassword(
    userId: number,
    passwordHash: string,
    keptSessionId: string,
    nowMs: number,
  ): Promise<Session[]>;
}

export type UserWithPassword = User & {
  /** Undefined for whoever signs in by a provider only. */
  readonly passwordHash: string | undefined;
};

export type Rotation =
  | { readonly outcome: "rotated"; readonly session: Session; readonly user: User }
  | { readonly outcome: "reused"; readonly ended: Session }
  | { readonly outcome: "ended" }
  | { readonly outcome: "unknown" };

export interface Sessions {
  start(session: Omit<Session, "version" | "revoked">, tokenHash: Buffer, nowMs: number): Promise<Session>;
  /** Replaces a token by its successor, in one transaction; see the adapter for what each outcome means. */
  rotate(tokenHash: Buffer, successorHash: Buffer, nowMs: number, leewayMs: number): Promise<Rotation>;
  /** Each returns the sessions that it ended; those that had ended before are not among them. */
  endByToken(tokenHash: Buffer, nowMs: number): Promise<Session[]>;
  endById(sessionId: string, nowMs: number): Promise<Session[]>;
  endAllOf(userId: number, nowMs: number): Promise<Session[]>;
  /** Forgets sessions that were over before that, with their tokens; at most `max`. Returns how many. */
  forget(overBeforeMs: number, max: number): Promise<number>;
}

export interface PasswordHasher {
  hash(password: string): Promise<string>;
  verify(password: string, hash: string): Promise<{ readonly matches: boolean; readonly outdated: boolean }>;
  /** Costs as much as `verify` and is always false. */
  verifyNothing(password: string): Promise<void>;
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
  /** The one successor of a token: always the same, and nobody without the server's key can compute it. */
  successorOf(token: string): string;
  hash(token: string): Buffer;
}

/** Lets the edges know before the relay does. Never fails: the relay brings the same news a moment later. */
export type AnnounceSessions = (sessions: readonly Session[]) => Promise<void>;
