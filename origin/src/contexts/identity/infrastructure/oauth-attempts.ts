import { createHash, hkdfSync, type KeyObject, randomBytes } from "node:crypto";
import { EncryptJWT, errors, jwtDecrypt } from "jose";
import { Refusal } from "../../../kernel/errors.ts";
import { platformErrors } from "../../../platform/errors.ts";
import type { RedisStore } from "../../../platform/redis/connect.ts";
import type { OauthAttempt, OauthAttempts } from "../application/provider-ports.ts";

/** Long enough to find a password or a phone, and short enough that nobody finds an old tab. */
export const attemptTtlSeconds = 600;

const encryption = "A256GCM";

/**
 * Attempts live in the browser, encrypted: whoever starts a million of them fills nothing of ours. Redis only knows
 * which were used, until they would be too old anyway. `signingKeys` are given anew each time: first the one that
 * signs, by which attempts are sealed, then those that did a moment ago.
 */
export function oauthAttempts(
  signingKeys: () => readonly [KeyObject, ...KeyObject[]],
  redis: RedisStore,
): OauthAttempts {
  return {
    create: (given) => ({ ...given, state: random(), nonce: random(), codeVerifier: random() }),

    seal: (attempt, nowMs) =>
      new EncryptJWT({ attempt })
        .setProtectedHeader({ alg: "dir", enc: encryption })
        .setExpirationTime(Math.floor(nowMs / 1_000) + attemptTtlSeconds)
        .encrypt(keyFrom(signingKeys()[0])),

    open: async (sealed, nowMs) => {
      for (const signingKey of signingKeys()) {
        const attempt = await opened(sealed, keyFrom(signingKey), nowMs);
        if (attempt !== undefined) return attempt;
      }
      return undefined;
    },

    claim: async ({ state }) => {
      const name = createHash("sha256").update(state).digest("base64url");
      try {
        const key = `${redis.prefix}oauth-used:${name}`;
        return (await redis.client.set(key, "1", "EX", attemptTtlSeconds, "NX")) === "OK";
      } catch (error) {
        throw new Refusal(platformErrors.unavailable, { cause: error });
      }
    },
  };
}

async function opened(sealed: string, key: Buffer, nowMs: number): Promise<OauthAttempt | undefined> {
  try {
    const { payload } = await jwtDecrypt(sealed, key, {
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: [encryption],
      currentDate: new Date(nowMs),
      requiredClaims: ["exp"],
    });
    return payload.attempt as OauthAttempt;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

/** Derived from a key that signs, so there is no second secret to keep. */
function keyFrom(signingKey: KeyObject): Buffer {
  const secret = signingKey.export({ type: "pkcs8", format: "der" });
  return Buffer.from(hkdfSync("sha256", secret, "", "sluice oauth attempt", 32));
}

function random(): string {
  return randomBytes(32).toString("base64url");
}
