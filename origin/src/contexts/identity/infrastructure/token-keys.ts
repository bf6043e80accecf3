import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { TokenKeysFile, TokenPublicKey } from "@sluice/contract/token-claims.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Logger } from "../../../platform/logger.ts";
import { watchFile } from "../../../platform/watched-file.ts";
import { isOver, signingKey } from "../application/key-schedule.ts";

/** Two files: what everybody may read, and what only those read who sign. */
export interface TokenKeyFiles {
  /** `TokenKeysFile` of the contract: which keys there are, and what they are good for when. */
  readonly publicKeysFile: string;
  /** PKCS #8 blocks in PEM, one for each key that signs or has signed a moment ago. */
  readonly privateKeysFile: string;
}

export interface LoadedKey extends TokenPublicKey {
  readonly publicKey: KeyObject;
  /** Undefined when only its public half is kept. */
  readonly privateKey: KeyObject | undefined;
}

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** The keys as they are right now. What is asked for is decided by the clock, so nothing has to happen on time. */
export interface TokenKeys {
  signing(): SigningKey;
  /** Undefined for a key that is not ours, or no longer. */
  publicKey(kid: string): KeyObject | undefined;
  /** All that still count, for those who ask which there are. */
  list(): readonly LoadedKey[];
}

export interface WatchedTokenKeys extends TokenKeys {
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** Follows the files: a rotation by whichever process is in force here within a second. */
export async function openTokenKeys(
  files: TokenKeyFiles,
  clock: Clock,
  logger: Logger,
): Promise<WatchedTokenKeys> {
  const watched = await watchFile(files.publicKeysFile, () => loadTokenKeys(files), logger);
  return {
    ...keysOf(watched.current, clock),
    reload: async () => void (await watched.reload()),
    close: watched.close,
  };
}

export function keysOf(loaded: () => readonly LoadedKey[], clock: Clock): TokenKeys {
  const list = () => loaded().filter((key) => !isOver(key, clock() / 1_000));
  return {
    list,
    publicKey: (kid) => list().find((key) => key.kid === kid)?.publicKey,
    signing: () => {
      const key = signingKey(list().filter(canSign), clock() / 1_000);
      if (key === undefined) throw new Error("no key may sign tokens at this time");
      return key;
    },
  };
}

/**
 * The public file first: a rotation writes the private one before it, so every key that is listed has its private
 * half, and what the private file has besides was never announced, or is over.
 */
export async function loadTokenKeys({
  publicKeysFile,
  privateKeysFile,
}: TokenKeyFiles): Promise<LoadedKey[]> {
  const { keys } = await readPublicKeys(publicKeysFile);
  const privateKeys = await readPrivateKeys(privateKeysFile);
  const loaded = keys.map((key) => {
    const publicKey = createPublicKey(key.spki);
    const privateKey = privateKeys.find((one) => createPublicKey(one).equals(publicKey));
    return { ...key, publicKey, privateKey };
  });
  if (!loaded.some(canSign)) throw new Error(`${publicKeysFile} lists no key of ${privateKeysFile}`);
  return loaded;
}

export async function readPublicKeys(path: string): Promise<TokenKeysFile> {
  return JSON.parse(await readFile(path, "utf8")) as TokenKeysFile;
}

export async function readPrivateKeys(path: string): Promise<KeyObject[]> {
  const text = await readFile(path, "utf8");
  return (text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? []).map((pem) =>
    createPrivateKey(pem),
  );
}

function canSign(key: LoadedKey): key is LoadedKey & { readonly privateKey: KeyObject } {
  return key.privateKey !== undefined;
}

/** A trade of a moment ago may have been made under the key that signed until then. */
export function keysForDerivation(keys: TokenKeys): [KeyObject, ...KeyObject[]] {
  const { privateKey } = keys.signing();
  const others = keys.list().flatMap((key) => key.privateKey ?? []);
  return [privateKey, ...others.filter((key) => key !== privateKey)];
}
