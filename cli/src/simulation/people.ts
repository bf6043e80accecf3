/**
 * A crowd with sessions and tokens, put where registering would have put them: a password costs a tenth of a second to
 * hash, and a hundred thousand of them three hours. Their tokens are signed by a small key of their own, because a
 * signature with the system's takes a millisecond.
 */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { sessionKey } from "@sluice/contract/keys.ts";
import { TOKEN_ALGORITHM, TOKEN_TYPE, type TokenKeysFile } from "@sluice/contract/token-claims.ts";
import { Redis } from "ioredis";
import { createConnection } from "mysql2/promise";
import type { ThrowawaySystem } from "../system/throwaway.ts";

export interface Person {
  readonly userId: number;
  readonly sessionId: string;
}

export interface People {
  readonly all: readonly Person[];
  /** `Bearer …`, signed when it is asked for. */
  tokenOf(person: Person): string;
}

const KEY_ID = "simulation";
const KEY_BITS = 1_024;
const FIRST_USER = 1_000_000;
const ROWS_PER_INSERT = 5_000;
const LIFETIME_SECONDS = 3_600;
const SETTLE_TIMEOUT_MS = 60_000;

export async function invitePeople(system: ThrowawaySystem, count: number): Promise<People> {
  const key = addKey(system.origin.TOKEN_PUBLIC_KEYS_FILE as string);
  const all = Array.from({ length: count }, (_, index) => ({
    userId: FIRST_USER + index,
    sessionId: randomUUID(),
  }));
  const sql = await createConnection({ ...system.mysqlRoot, timezone: "Z" });
  for (let start = 0; start < count; start += ROWS_PER_INSERT) {
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
  const iat = Math.floor(Date.now() / 1_000) - 5;
  const times = { iat, exp: iat + LIFETIME_SECONDS };
  return { all, tokenOf: (person) => `Bearer ${mint(key, person, times)}` };
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

async function untilProjected(system: ThrowawaySystem, all: readonly Person[]): Promise<void> {
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

function mint(key: KeyObject, { userId, sessionId }: Person, times: { iat: number; exp: number }): string {
  const claims = { iss: "sluice", aud: "sluice", sub: String(userId), sid: sessionId, ...times };
  const signed = `${header}.${encoded(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
