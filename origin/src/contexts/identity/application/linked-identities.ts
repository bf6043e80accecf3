import { Refusal } from "../../../kernel/errors.ts";
import type { User } from "../domain/session.ts";
import { identityErrors } from "../errors.ts";
import type { Client } from "./client.ts";
import type { SignedIn } from "./end-sessions.ts";
import type { Users } from "./ports.ts";
import type { Identities, LinkedIdentity } from "./provider-ports.ts";
import type { Trail } from "./trail.ts";

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
  on: { readonly identities: Identities; readonly trail: Trail },
  user: SignedIn,
  identityId: number,
  client: Client,
): Promise<void> {
  const unlinked = await on.identities.unlink(user.id, identityId);
  switch (unlinked.outcome) {
    case "unlinked":
      on.trail.record({
        kind: "identity_unlinked",
        userId: user.id,
        sessionId: user.sessionId,
        detail: unlinked.provider,
        client,
      });
      return;
    case "unknown":
      throw new Refusal(identityErrors.identityUnknown);
    case "last":
      throw new Refusal(identityErrors.lastSignIn);
  }
}
