/**
 * Access tokens in the form of contract/src/token-claims.ts, by a key pair of this run. Several sessions, each
 * with a token of its own, so that one remembered token does not serve all.
 */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import {
  TOKEN_ALGORITHM,
  TOKEN_TYPE,
  type TokenClaims,
  type TokenHeader,
  type TokenKeysFile,
} from "@sluice/contract/token-claims.ts";

/** One signature costs about a millisecond. */
export const SESSIONS = 1000;
const KEY_ID = "bench";
const LIFETIME_SECONDS = 3600;

export interface Session {
  id: string;
  userId: string;
  token: string;
}

export interface TokenSet {
  sessions: Session[];
  keysFile: TokenKeysFile;
  /** PEM, for proxies that read that. */
  publicKey: string;
}

export function mintTokens(nowSeconds: number): TokenSet {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const spki = publicKey.export({ type: "spki", format: "pem" }).toString();
  const sessions = Array.from({ length: SESSIONS }, (_, index) => {
    const id = randomUUID();
    const userId = String(index + 1);
    const token = mint(privateKey, {
      iss: "sluice",
      aud: "sluice",
      sub: userId,
      sid: id,
      iat: nowSeconds,
      exp: nowSeconds + LIFETIME_SECONDS,
    });
    return { id, userId, token };
  });
  return { sessions, publicKey: spki, keysFile: { keys: [{ kid: KEY_ID, alg: TOKEN_ALGORITHM, spki }] } };
}

function mint(key: KeyObject, claims: TokenClaims): string {
  const header: TokenHeader = { alg: TOKEN_ALGORITHM, typ: TOKEN_TYPE, kid: KEY_ID };
  const signed = `${encoded(header)}.${encoded(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
