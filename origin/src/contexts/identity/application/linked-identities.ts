import { Refusal } from "../../../kernel/errors.ts";
import type { User } from "../domain/session.ts";
import { identityErrors } from "../errors.ts";
import type { Users } from "./ports.ts";
import type { Identities, LinkedIdentity } from "./provider-ports.ts";

/** All the ways in which a user can sign in. */
export interface SignInWays {
  readonly hasPassword: boolean;
  readonly identities: readonly LinkedIdentity[];
}

/** The user of a token that was verified. */
export async function whoIs(users: Pick<Users, "findById">, userId: number): Promise<User> {
  const user = await users.findById(userId);
  if (user === undefined) throw new Refusal(identityErrors.sessionRevoked);
  return { id: user.id, username: user.username };
}

export async function signInWays(
  on: { readonly users: Pick<Users, "findById">; readonly identities: Identities },
  userId: number,
): Promise<SignInWays> {
  const [user, identities] = await Promise.all([on.users.findById(userId), on.identities.listOf(userId)]);
  return { hasPassword: user?.passwordHash !== undefined, identities };
}

/** The last way to sign in stays. */
export async function unlinkIdentity(
  identities: Identities,
  userId: number,
  identityId: number,
): Promise<void> {
  switch (await identities.unlink(userId, identityId)) {
    case "unlinked":
      return;
    case "unknown":
      throw new Refusal(identityErrors.identityUnknown);
    case "last":
      throw new Refusal(identityErrors.lastSignIn);
  }
}
