import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import type { PasswordHasher } from "../application/ports.ts";
import { hashingTurns } from "./hashing-turns.ts";
import { networkOf } from "./network-of.ts";

/**
 * scrypt (RFC 7914), because it is memory-hard and in Node itself. The parameters are one of the OWASP
 * equivalents that stays at 32 MiB, and travel with each hash in PHC form, so a hash made by weaker ones is
 * recognised and made anew at the next login:
 *
 *     $scrypt$ln=15,r=8,p=3$<salt>$<hash>
 */
export interface ScryptParameters {
  /** log2 of the cost N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

export const scryptParameters: ScryptParameters = { ln: 15, r: 8, p: 3 };

const saltBytes = 16;
const hashBytes = 32;

export function createPasswordHasher(parameters: ScryptParameters = scryptParameters): PasswordHasher {
  const inTurn = hashingTurns();
  const limited = <T>(address: string | undefined, work: () => Promise<T>) =>
    inTurn(address === undefined ? "" : networkOf(address), work);
  const nobodysSalt = randomBytes(saltBytes);
  return {
    hash: async (password, address) => {
      const salt = randomBytes(saltBytes);
      const key = await limited(address, () => derive(password, salt, parameters));
      return `$scrypt$ln=${parameters.ln},r=${parameters.r},p=${parameters.p}$${unpadded(salt)}$${unpadded(key)}`;
    },
    verify: async (password, hash, address) => {
      const stored = parse(hash);
      const key = await limited(address, () => derive(password, stored.salt, stored));
      const { ln, r, p } = stored;
      return {
        matches: timingSafeEqual(key, stored.key),
        outdated: ln !== parameters.ln || r !== parameters.r || p !== parameters.p,
      };
    },
    verifyNothing: async (password, address) => {
      await limited(address, () => derive(password, nobodysSalt, parameters));
    },
  };
}

function derive(password: string, salt: Buffer, { ln, r, p }: ScryptParameters): Promise<Buffer> {
  const N = 2 ** ln;
  const options: ScryptOptions = { N, r, p, maxmem: 128 * r * (N + p + 2) };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hashBytes, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function parse(hash: string): ScryptParameters & { readonly salt: Buffer; readonly key: Buffer } {
  const match = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(hash);
  if (match === null) throw new Error("a stored password hash is not in the form that this service writes");
  const [ln, r, p] = match.slice(1, 4).map(Number) as [number, number, number];
  const [salt, key] = match.slice(4).map((text) => Buffer.from(text, "base64")) as [Buffer, Buffer];
  return { ln, r, p, salt, key };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}
