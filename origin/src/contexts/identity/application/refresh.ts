import { Refusal } from "../../../kernel/errors.ts";
import { identityErrors } from "../errors.ts";
import type { Client } from "./client.ts";
import type { Rotation } from "./ports.ts";
import { type Grant, grant, type SignInDependencies } from "./sign-in.ts";
import { throttled } from "./throttle.ts";
import type { TrailEvent } from "./trail.ts";

/**
 * For this long a token that was used already gives its successor again: two tabs that refresh at once, or a
 * client whose answer got lost. Later it can only be a thief's or its victim's, and the session ends.
 */
export const refreshLeewayMs = 10_000;

/**
 * Trades a refresh token for the next pair. However often it is repeated, a token has one successor. What can't be one
 * never reaches the database, and what is nobody's does only so often.
 */
export async function refresh(on: SignInDependencies, token: string, client: Client): Promise<Grant> {
  if (!on.refreshTokens.hasForm(token)) {
    const refusal = new Refusal(identityErrors.refreshInvalid);
    on.trail.record({ kind: "refresh_refused", detail: refusal.definition.code, client });
    throw refusal;
  }
  const refused = { kind: "refresh_refused", client } as const;
  return throttled(on, { shares: [["unknownToken", client.address]], refused }, () =>
    trade(on, token, client),
  );
}

async function trade(on: SignInDependencies, token: string, client: Client): Promise<Grant> {
  const nowMs = on.clock();
  const [successor, ...earlier] = on.refreshTokens.successorsOf(token);
  const rotation = await on.sessions.rotate({
    tokenHash: on.refreshTokens.hash(token),
    successorHashes: [on.refreshTokens.hash(successor), ...earlier.map((one) => on.refreshTokens.hash(one))],
    client,
    nowMs,
    leewayMs: refreshLeewayMs,
    idleMs: on.refreshTokenIdleSeconds * 1_000,
  });
  if (rotation.outcome === "rotated") {
    const { session, user } = rotation;
    on.trail.record({ kind: "refreshed", userId: user.id, sessionId: session.id, client });
    const next = [successor, ...earlier][rotation.successor] as string;
    return grant(on.accessTokens, next, session.id, user, nowMs);
  }
  const refusal = refusalOf(rotation);
  // Reuse went on record together with the session's end.
  if (rotation.outcome === "reused") await on.announce([rotation.ended]);
  else on.trail.record(refused(rotation, refusal, client));
  throw refusal;
}

type Refused = Exclude<Rotation, { outcome: "rotated" }>;

function refusalOf({ outcome }: Refused): Refusal {
  switch (outcome) {
    case "reused":
      return new Refusal(identityErrors.refreshReused);
    case "ended":
      return new Refusal(identityErrors.sessionRevoked);
    case "idle":
    case "unknown":
      return new Refusal(identityErrors.refreshInvalid);
  }
}

function refused(
  rotation: Exclude<Refused, { outcome: "reused" }>,
  refusal: Refusal,
  client: Client,
): TrailEvent {
  const detail = refusal.definition.code;
  if (rotation.outcome === "unknown") return { kind: "refresh_refused", detail, client };
  const { id: sessionId, userId } = rotation.session;
  return { kind: "refresh_refused", userId, sessionId, detail, client };
}
