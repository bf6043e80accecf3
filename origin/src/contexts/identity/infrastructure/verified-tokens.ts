import type { KeyObject } from "node:crypto";
import type { TokenClaims } from "@sluice/contract/token-claims.ts";

export interface VerifiedToken {
  readonly claims: TokenClaims;
  readonly kid: string;
  readonly key: KeyObject;
}

/** A token has some 700 bytes, so these are some 10 MB. */
export const verifiedTokensMax = 10_000;

/**
 * Tokens whose signature and claims were found good. A customer comes with the same one for ten minutes, and to verify
 * it costs many times what it costs to look it up. Nothing is remembered that may change: neither whether it is time
 * yet or too late, nor whether its key still counts.
 */
export function createVerifiedTokens() {
  const verified = new Map<string, VerifiedToken>();
  return {
    find: (token: string): VerifiedToken | undefined => verified.get(token),
    keep: (token: string, found: VerifiedToken): void => {
      const [oldest] = verified.size < verifiedTokensMax ? [] : verified.keys();
      if (oldest !== undefined) verified.delete(oldest);
      verified.set(token, found);
    },
  };
}
