import { createHash, createHmac, hkdfSync, type KeyObject, randomBytes } from "node:crypto";
import type { RefreshTokens } from "../application/ports.ts";

/** 256 random bits, base64url. Nothing can be read from it, and the database knows only its SHA-256. */
const form = /^[A-Za-z0-9_-]{43}$/;

/**
 * A successor is an HMAC of its predecessor under a key that only this service has (derived from a key that signs,
 * so there is no second secret to keep). That makes a repeated refresh answer the same without the successor being
 * stored anywhere in the clear. `signingKeys` are given anew each time: first the one that signs, then those that
 * did a moment ago.
 */
export function createRefreshTokens(signingKeys: () => readonly [KeyObject, ...KeyObject[]]): RefreshTokens {
  const derived = new WeakMap<KeyObject, Buffer>();
  const keyFrom = (signingKey: KeyObject): Buffer => {
    const known = derived.get(signingKey);
    if (known !== undefined) return known;
    const secret = signingKey.export({ type: "pkcs8", format: "der" });
    const key = Buffer.from(hkdfSync("sha256", secret, "", "sluice refresh token successor", 32));
    derived.set(signingKey, key);
    return key;
  };
  const successorUnder = (signingKey: KeyObject, token: string) =>
    createHmac("sha256", keyFrom(signingKey)).update(token).digest("base64url");
  return {
    create: () => randomBytes(32).toString("base64url"),
    hasForm: (token) => form.test(token),
    successorsOf: (token) => {
      const [current, ...earlier] = signingKeys();
      return [successorUnder(current, token), ...earlier.map((key) => successorUnder(key, token))];
    },
    hash: (token) => createHash("sha256").update(token).digest(),
  };
}
