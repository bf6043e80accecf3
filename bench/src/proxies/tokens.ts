/**
 * Access tokens in the form of contract/src/token-claims.ts, by a key pair of this run. Several sessions, each
 * with a token of its own, so that one remembered token does not serve all.
 */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { promisify } from "node:util";
import {
  TOKEN_ALGORITHM,
  TOKEN_TYPE,
  type TokenClaims,
  type TokenHeader,
  type TokenKeysFile,
} from "@sluice/contract/token-claims.ts";
import type { Exception } from "./contender.ts";

/** One signature costs about a millisecond. */
export const SESSIONS = 1000;
const KEY_ID = "bench";
const LIFETIME_SECONDS = 3600;

export interface Session {
  id: string;
  userId: string;
  /** All different, all valid. */
  tokens: [string, ...string[]];
}

export interface TokenSet {
  sessions: Session[];
  keysFile: TokenKeysFile;
  /** PEM, for proxies that read that. */
  publicKey: string;
}

/** `each` is how many tokens each session gets. */
export async function mintTokens(nowSeconds: number, each: number): Promise<TokenSet> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const spki = publicKey.export({ type: "spki", format: "pem" }).toString();
  const sessions: Session[] = [];
  for (let user = 1; user <= SESSIONS; user++) {
    const id = randomUUID();
    const userId = String(user);
    const claims = { iss: "sluice", aud: "sluice", sub: userId, sid: id };
    const minted = Array.from({ length: each }, (_, earlier) => {
      const iat = nowSeconds - earlier;
      return mint(privateKey, { ...claims, iat, exp: iat + LIFETIME_SECONDS });
    });
    sessions.push({ id, userId, tokens: (await Promise.all(minted)) as Session["tokens"] });
  }
  return { sessions, publicKey: spki, keysFile: { keys: [{ kid: KEY_ID, alg: TOKEN_ALGORITHM, spki }] } };
}

const signInPool = promisify(sign);

async function mint(key: KeyObject, claims: TokenClaims): Promise<string> {
  const header: TokenHeader = { alg: TOKEN_ALGORITHM, typ: TOKEN_TYPE, kid: KEY_ID };
  const signed = `${encoded(header)}.${encoded(claims)}`;
  const signature = await signInPool("sha256", Buffer.from(signed), key);
  return `${signed}.${signature.toString("base64url")}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** How requests with that token are refused when it is taken off or changed. */
export function tokenRefusals(token: string): Exception[] {
  const forged = `${token.slice(0, -6)}AAAAAA`;
  return [
    { what: "no token", headers: { authorization: "" }, status: 401 },
    { what: "a forged token", headers: { authorization: `Bearer ${forged}` }, status: 401 },
  ];
}
