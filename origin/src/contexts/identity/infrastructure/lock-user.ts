import type { Transaction } from "../../../platform/mysql/database.ts";

/**
 * Holds the user's row until the transaction ends: in the meantime no password changes, no session starts and no way to
 * sign in comes or goes.
 */
export async function lockUser(
  tx: Transaction,
  userId: number,
): Promise<{ readonly passwordHash: string | undefined } | undefined> {
  const [user] = await tx.query<{ password_hash: string | null }>(
    "SELECT password_hash FROM users WHERE id = ? FOR UPDATE",
    [userId],
  );
  return user && { passwordHash: user.password_hash ?? undefined };
}
