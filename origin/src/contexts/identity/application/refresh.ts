import { Refusal } from "../../../kernel/errors.ts";
import { identityErrors } from "../errors.ts";
import { type Grant, grant, type SignInDependencies } from "./sign-in.ts";

/**
 * For this long a token that was used already gives its successor again: two tabs that refresh at once, or a
 * client whose answer got lost. Later it can only be a thief's or its victim's, and the session ends.
 */
export const refreshLeewayMs = 10_000;

/** Trades a refresh token for the next pair. However often it is repeated, a token has one successor. */
export async function refresh(on: SignInDependencies, token: string): Promise<Grant> {
  const nowMs = on.clock();
  const successor = on.refreshTokens.successorOf(token);
  const rotation = await on.sessions.rotate(
    on.refreshTokens.hash(token),
    on.refreshTokens.hash(successor),
    nowMs,
    refreshLeewayMs,
  );
  switch (rotation.outcome) {
    case "rotated":
      return grant(on.accessTokens, successor, rotation.session.id, rotation.user, nowMs);
    case "reused":
      await on.announce([rotation.ended]);
      throw new Refusal(identityErrors.refreshReused);
    case "ended":
      throw new Refusal(identityErrors.sessionRevoked);
    case "unknown":
      throw new Refusal(identityErrors.refreshInvalid);
  }
}
