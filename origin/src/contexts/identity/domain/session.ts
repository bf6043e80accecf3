/**
 * One login, and the family of refresh tokens that descends from it.
 *
 *     live ──(logout, operator, reuse of a refresh token)──▶ revoked
 *       └──(expiresAtMs)──▶ expired
 *
 * It never comes back from either.
 */
export interface Session {
  readonly id: string;
  readonly userId: number;
  readonly version: number;
  readonly expiresAtMs: number;
  readonly revoked: boolean;
}

export const sessionLimits = {
  /** Of one user; one more ends the oldest. */
  perUserMax: 100,
} as const;

export function isLive(session: Session, nowMs: number): boolean {
  return !session.revoked && nowMs < session.expiresAtMs;
}

export interface User {
  readonly id: number;
  readonly username: string;
}
