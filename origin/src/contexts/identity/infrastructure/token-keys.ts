import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TOKEN_ALGORITHM, type TokenKeysFile } from "@sluice/contract/token-claims.ts";
import { calculateJwkThumbprint, exportJWK } from "jose";

/** The key that signs, and all keys by which tokens are verified: more than one while keys are rotated. */
export interface TokenKeys {
  readonly privateKey: KeyObject;
  readonly kid: string;
  readonly publicKeys: ReadonlyMap<string, KeyObject>;
}

export async function loadTokenKeys(privateKeyFile: string, publicKeysFile: string): Promise<TokenKeys> {
  const privateKey = createPrivateKey(await readFile(privateKeyFile));
  const file = JSON.parse(await readFile(publicKeysFile, "utf8")) as TokenKeysFile;
  const publicKeys = new Map(file.keys.map((key) => [key.kid, createPublicKey(key.spki)]));
  const own = createPublicKey(privateKey);
  const kid = [...publicKeys].find(([, key]) => key.equals(own))?.[0];
  if (kid === undefined) throw new Error(`${publicKeysFile} lacks the public key of ${privateKeyFile}`);
  return { privateKey, kid, publicKeys };
}

/** RSA-2048: the smallest that is still fine, because the edge pays for every verification. */
const modulusBits = 2048;

/** Makes what is missing in the folder and leaves what is there; returns what it did, for a person. */
export async function generateTokenKeys(directory: string): Promise<string> {
  const privateKeyFile = join(directory, "token-private.pem");
  const publicKeysFile = join(directory, "token-keys.json");
  if (existsSync(privateKeyFile) && existsSync(publicKeysFile)) return `the keys in ${directory} stay`;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (!existsSync(privateKeyFile)) {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: modulusBits });
    await writeWhole(privateKeyFile, privateKey.export({ type: "pkcs8", format: "pem" }), 0o600);
  }
  const publicKey = createPublicKey(await readFile(privateKeyFile));
  const kid = await calculateJwkThumbprint(await exportJWK(publicKey));
  const spki = publicKey.export({ type: "spki", format: "pem" }) as string;
  const file: TokenKeysFile = { keys: [{ kid, alg: TOKEN_ALGORITHM, spki }] };
  await writeWhole(publicKeysFile, `${JSON.stringify(file, undefined, 2)}\n`, 0o644);
  return `made the keys in ${directory}`;
}

/** Whoever reads the file sees all of it or none. */
async function writeWhole(path: string, content: string | Buffer, mode: number): Promise<void> {
  await writeFile(`${path}.new`, content, { mode });
  await rename(`${path}.new`, path);
}
