import { createHash, createHmac, hkdfSync, type KeyObject, randomBytes } from "node:crypto";
import type { RefreshTokens } from "../application/ports.ts";

/** 256 random bits, base64url. Nothing can be read from it, and the database knows only its SHA-256. */
export const refreshTokenPattern = "^[A-Za-z0-9_-]{43}$";

/**
 * A successor is an HMAC of its predecessor under a key that only this service has (derived from the signing
 * key, so there is no second secret to keep). That makes a repeated refresh answer the same without the
 * successor being stored anywhere in the clear.
 */
export function createRefreshTokens(signingKey: KeyObject): RefreshTokens {
  const secret = signingKey.export({ type: "pkcs8", format: "der" });
  const key = Buffer.from(hkdfSync("sha256", secret, "", "sluice refresh token successor", 32));
  return {
    create: () => randomBytes(32).toString("base64url"),
    successorsOf: (token) => [createHmac("sha256", key).update(token).digest("base64url")],
    hash: (token) => createHash("sha256").update(token).digest(),
  };
}
