import { TOKEN_ALGORITHM, type TokenKeysFile } from "@sluice/contract/token-claims.ts";
import { decode } from "cjson.safe";
import { readFile } from "../platform/files.ts";
import { parsePublicKey, type RsaPublicKey } from "./rsa.ts";

let keys = new LuaTable<string, RsaPublicKey>();
let loaded = false;

/** Reads the file of public keys. Returns what is wrong with it; then the keys before it stay. */
export function loadTokenKeys(path: string): string | undefined {
  const [text, readError] = readFile(path);
  if (text === undefined) return readError;
  const [file, parseError] = decode(text);
  if (parseError !== undefined) return `${path}: ${parseError}`;
  const parsed = new LuaTable<string, RsaPublicKey>();
  let count = 0;
  for (const entry of (file as TokenKeysFile).keys) {
    const key = entry.alg === TOKEN_ALGORITHM ? parsePublicKey(entry.spki) : undefined;
    if (key === undefined) return `${path}: key ${entry.kid} is not an ${TOKEN_ALGORITHM} public key`;
    parsed.set(entry.kid, key);
    count += 1;
  }
  if (count === 0) return `${path}: holds no key`;
  keys = parsed;
  loaded = true;
  return undefined;
}

export function findTokenKey(kid: string): RsaPublicKey | undefined {
  return keys.get(kid);
}

export function tokenKeysLoaded(): boolean {
  return loaded;
}
