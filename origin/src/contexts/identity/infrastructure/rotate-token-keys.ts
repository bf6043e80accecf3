import { createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { TOKEN_ALGORITHM, type TokenPublicKey } from "@sluice/contract/token-claims.ts";
import { calculateJwkThumbprint, exportJWK } from "jose";
import { Refusal } from "../../../kernel/errors.ts";
import { isRotationDue, type RotationTerms, rotated } from "../application/key-schedule.ts";
import { identityErrors } from "../errors.ts";
import { readPrivateKeys, readPublicKeys, type TokenKeyFiles } from "./token-keys.ts";

/** RSA-2048: the smallest that is still fine, because the edge pays for every verification. */
const modulusBits = 2048;

/** A rotation writes three small files; one that holds its lock for longer has died. */
const lockStaleMs = 30_000;

/** Makes what is missing and leaves what is there; returns what it did, for a person. */
export async function makeTokenKeys(files: TokenKeyFiles, nowS: number): Promise<string> {
  const { publicKeysFile, privateKeysFile } = files;
  if (existsSync(privateKeysFile) && existsSync(publicKeysFile)) return "the keys that are there stay";
  for (const file of [publicKeysFile, privateKeysFile]) {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  }
  if (!existsSync(privateKeysFile)) await writePrivateKeys(privateKeysFile, [await freshKey()]);
  const keys = await Promise.all((await readPrivateKeys(privateKeysFile)).map(publicHalf));
  await writePublicKeys(
    publicKeysFile,
    keys.map((key) => ({ ...key, signsFrom: nowS })),
  );
  return `made ${publicKeysFile}`;
}

export interface RotationOrder extends RotationTerms {
  /** Rotates only if the newest key is older than that; 0 rotates in any case. */
  readonly olderThanSeconds: number;
}

/**
 * Adds a key and gives the others their end. Whenever it is killed, what lies there is usable, because each file is
 * replaced as a whole and in this order:
 *
 * 1. the private file with the fresh key besides: nobody signs with what is not listed
 * 2. the public file: from here on it has happened
 * 3. the private file without what is no longer listed
 *
 * Returns false when nothing was due, or somebody else is rotating right now.
 */
export async function rotateTokenKeys(files: TokenKeyFiles, order: RotationOrder): Promise<boolean> {
  // Takes a while, so before the lock; a rotation that turns out not to be due has made it in vain.
  const fresh = await freshKey();
  const lock = `${files.publicKeysFile}.lock`;
  if (!(await takeLock(lock))) return false;
  try {
    const { keys } = await readPublicKeys(files.publicKeysFile);
    if (order.olderThanSeconds > 0 && !isRotationDue(keys, order.nowS, order.olderThanSeconds)) return false;
    const privateKeys = await readPrivateKeys(files.privateKeysFile);
    const next = rotated(keys, await publicHalf(fresh), order);
    await writePrivateKeys(files.privateKeysFile, [...privateKeys, fresh]);
    await writePublicKeys(files.publicKeysFile, next);
    await writePrivateKeys(files.privateKeysFile, await onlyListed([...privateKeys, fresh], next));
    return true;
  } catch (error) {
    if (isReadOnly(error)) throw new Refusal(identityErrors.keysReadOnly, { cause: error });
    throw error;
  } finally {
    await rm(lock, { force: true });
  }
}

async function onlyListed(
  privateKeys: readonly KeyObject[],
  listed: readonly TokenPublicKey[],
): Promise<KeyObject[]> {
  const kept: KeyObject[] = [];
  for (const key of privateKeys) {
    const { kid } = await publicHalf(key);
    if (listed.some((one) => one.kid === kid)) kept.push(key);
  }
  return kept;
}

async function freshKey(): Promise<KeyObject> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: modulusBits });
  return privateKey;
}

async function publicHalf(privateKey: KeyObject): Promise<Pick<TokenPublicKey, "kid" | "alg" | "spki">> {
  const publicKey = createPublicKey(privateKey);
  return {
    kid: await calculateJwkThumbprint(await exportJWK(publicKey)),
    alg: TOKEN_ALGORITHM,
    spki: publicKey.export({ type: "spki", format: "pem" }) as string,
  };
}

function writePrivateKeys(path: string, keys: readonly KeyObject[]): Promise<void> {
  return replaceFile(path, keys.map((key) => key.export({ type: "pkcs8", format: "pem" })).join(""), 0o600);
}

function writePublicKeys(path: string, keys: readonly TokenPublicKey[]): Promise<void> {
  return replaceFile(path, `${JSON.stringify({ keys }, undefined, 2)}\n`, 0o644);
}

/** Whoever reads the file sees all of it or none, also after a power cut. */
async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  const handle = await open(fresh, "wx", mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, path);
}

/** A file that is there already belongs to another process; left behind by a dead one, it is taken away once. */
async function takeLock(path: string): Promise<boolean> {
  for (const attempt of [1, 2]) {
    try {
      await (await open(path, "wx", 0o600)).close();
      return true;
    } catch (error) {
      if (isReadOnly(error)) throw new Refusal(identityErrors.keysReadOnly, { cause: error });
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (attempt === 2 || !(await isStale(path))) return false;
      await rm(path, { force: true });
    }
  }
  return false;
}

async function isStale(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > lockStaleMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw error;
  }
}

function isReadOnly(error: unknown): boolean {
  return ["EROFS", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");
}
