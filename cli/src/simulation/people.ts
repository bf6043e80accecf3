/**
 * A crowd with sessions and tokens, put where registering would have put them: a password costs a tenth of a second to
 * hash, and a hundred thousand of them three hours. Their tokens are signed by a key of their own, on all cores and
 * before anybody comes: a signature takes about a millisecond, which the sale would miss.
 */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { sessionKey } from "@sluice/contract/keys.ts";
import { TOKEN_ALGORITHM, TOKEN_TYPE, type TokenKeysFile } from "@sluice/contract/token-claims.ts";
import { Redis } from "ioredis";
import { createConnection } from "mysql2/promise";
import type { ThrowawaySystem } from "../system/throwaway.ts";

export interface Person {
  readonly userId: number;
  /** `Bearer …` */
  readonly token: string;
}

const KEY_ID = "simulation";
/** As few as verifiers accept. */
const KEY_BITS = 2_048;
const FIRST_USER = 1_000_000;
const ROWS_PER_INSERT = 5_000;
const LIFETIME_SECONDS = 3_600;
const SETTLE_TIMEOUT_MS = 60_000;
/** Signatures under way: more than the threads that make them. */
const SIGNED_AT_ONCE = 64;

export async function invitePeople(system: ThrowawaySystem, count: number): Promise<readonly Person[]> {
  const key = addKey(system.origin.TOKEN_PUBLIC_KEYS_FILE as string);
  const invited = Array.from({ length: count }, (_, index) => ({
    userId: FIRST_USER + index,
    sessionId: randomUUID(),
  }));
  const [, people] = await Promise.all([putSessions(system, invited), withTokens(key, invited)]);
  return people;
}

interface Invited {
  readonly userId: number;
  readonly sessionId: string;
}

async function putSessions(system: ThrowawaySystem, all: readonly Invited[]): Promise<void> {
  const sql = await createConnection({ ...system.mysqlRoot, timezone: "Z" });
  for (let start = 0; start < all.length; start += ROWS_PER_INSERT) {
    const some = all.slice(start, start + ROWS_PER_INSERT);
    await sql.query("INSERT INTO users (id, username, created_at) VALUES ?", [
      some.map(({ userId }) => [userId, `buyer-${userId}`, "2026-01-01"]),
    ]);
    await sql.query("INSERT INTO sessions (id, user_id, created_at, expires_at) VALUES ?", [
      some.map(({ userId, sessionId }) => [sessionId, userId, "2026-01-01", "2099-01-01"]),
    ]);
  }
  await sql.end();
  await untilProjected(system, all);
}

async function withTokens(key: KeyObject, all: readonly Invited[]): Promise<Person[]> {
  const iat = Math.floor(Date.now() / 1_000) - 5;
  const times = { iat, exp: iat + LIFETIME_SECONDS };
  const people: Person[] = [];
  for (let start = 0; start < all.length; start += SIGNED_AT_ONCE) {
    const some = all.slice(start, start + SIGNED_AT_ONCE);
    const tokens = await Promise.all(some.map((one) => mint(key, one, times)));
    for (const [index, { userId }] of some.entries()) {
      people.push({ userId, token: `Bearer ${tokens[index]}` });
    }
  }
  return people;
}

/** Verifiers look at the file every second. */
function addKey(file: string): KeyObject {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: KEY_BITS });
  const known = JSON.parse(readFileSync(file, "utf8")) as TokenKeysFile;
  const spki = publicKey.export({ type: "spki", format: "pem" }).toString();
  const keys = [...known.keys, { kid: KEY_ID, alg: TOKEN_ALGORITHM, spki }] as const;
  writeFileSync(`${file}.new`, JSON.stringify({ keys }));
  renameSync(`${file}.new`, file);
  return privateKey;
}

async function untilProjected(system: ThrowawaySystem, all: readonly Invited[]): Promise<void> {
  const last = all.at(-1);
  if (last === undefined) return;
  const redis = new Redis(system.origin.REDIS_URL as string);
  try {
    for (const until = Date.now() + SETTLE_TIMEOUT_MS; Date.now() < until; await delay(50)) {
      if ((await redis.exists(sessionKey("", last.sessionId))) === 1) return;
    }
  } finally {
    redis.disconnect();
  }
  throw new Error(`the sessions of ${all.length} buyers were not in Redis within ${SETTLE_TIMEOUT_MS} ms`);
}

const header = encoded({ alg: TOKEN_ALGORITHM, typ: TOKEN_TYPE, kid: KEY_ID });

const signed = promisify(sign);

async function mint(
  key: KeyObject,
  { userId, sessionId }: Invited,
  times: { iat: number; exp: number },
): Promise<string> {
  const claims = { iss: "sluice", aud: "sluice", sub: String(userId), sid: sessionId, ...times };
  const text = `${header}.${encoded(claims)}`;
  return `${text}.${(await signed("sha256", Buffer.from(text), key)).toString("base64url")}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
