import { TOKEN_ALGORITHM, type TokenKeysFile } from "@sluice/contract/token-claims.ts";
import { decode } from "cjson.safe";
import { readFile } from "../platform/files.ts";
import { parsePublicKey, type RsaPublicKey } from "./rsa.ts";

interface TokenKey {
  readonly rsa: RsaPublicKey;
  /** Seconds since the epoch. */
  readonly verifiesUntil: number;
}

/** @perWorker */
let keys = new LuaTable<string, TokenKey>();
/** @perWorker */
let loaded = false;
/** What the file held when it was last looked at, good or bad. @perWorker */
let seen: string | undefined;

/**
 * - `kept`: the file is the one before
 * - `added`: what was held is still there
 * - `replaced`: a key that was there before is not any more, and tokens that it signed must not pass
 */
export type KeysLoaded = "kept" | "added" | "replaced";

/** Reads the file of public keys. Returns what is wrong with it, once for each content; the keys before it stay. */
export function loadTokenKeys(path: string): LuaMultiReturn<[KeysLoaded, undefined] | [undefined, string]> {
  const [text, readError] = readFile(path);
  if (text === undefined) return $multi(undefined, readError as string);
  if (text === seen) return $multi("kept", undefined);
  seen = text;
  const [file, parseError] = decode(text);
  if (parseError !== undefined) return $multi(undefined, `${path}: ${parseError}`);
  const [parsed, problem] = parseKeys(path, file as Partial<TokenKeysFile>);
  if (parsed === undefined) return $multi(undefined, problem as string);
  const outcome = lacksOneOf(parsed, keys) ? "replaced" : "added";
  keys = parsed;
  loaded = true;
  return $multi(outcome, undefined);
}

/** Undefined for a key that is not ours, or no longer. */
export function findTokenKey(kid: string, nowS: number): RsaPublicKey | undefined {
  const key = keys.get(kid);
  return key !== undefined && nowS < key.verifiesUntil ? key.rsa : undefined;
}

export function tokenKeysLoaded(): boolean {
  return loaded;
}

function parseKeys(
  path: string,
  file: Partial<TokenKeysFile>,
): LuaMultiReturn<[LuaTable<string, TokenKey>, undefined] | [undefined, string]> {
  const parsed = new LuaTable<string, TokenKey>();
  if (type(file) !== "table" || type(file.keys) !== "table") {
    return $multi(undefined, `${path}: is no list of keys`);
  }
  let count = 0;
  for (const entry of file.keys as TokenKeysFile["keys"]) {
    const rsa = entry.alg === TOKEN_ALGORITHM ? parsePublicKey(entry.spki) : undefined;
    if (rsa === undefined) {
      return $multi(undefined, `${path}: key ${entry.kid} is not an ${TOKEN_ALGORITHM} public key`);
    }
    parsed.set(entry.kid, { rsa, verifiesUntil: entry.verifiesUntil ?? math.huge });
    count += 1;
  }
  if (count === 0) return $multi(undefined, `${path}: holds no key`);
  return $multi(parsed, undefined);
}

function lacksOneOf(parsed: LuaTable<string, TokenKey>, before: LuaTable<string, TokenKey>): boolean {
  for (const [kid] of before) if (parsed.get(kid) === undefined) return true;
  return false;
}
