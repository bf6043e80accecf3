/**
 * Access tokens: JWTs after RFC 9068 (`typ: at+jwt`), signed by the origin with a private key that the edge
 * never has. RS256 because the edge pays for verifying: about 25 µs for RSA-2048, against 88 µs for ES256
 * and 179 µs for Ed25519 on the same machine.
 */

export const TOKEN_ALGORITHM = "RS256";
export const TOKEN_TYPE = "at+jwt";

/** Longer tokens are refused before anything is decoded, bytes. Ours are about 600. */
export const TOKEN_LENGTH_MAX = 2048;

/** Tolerated difference between the clocks of issuer and verifier, seconds. */
export const TOKEN_CLOCK_SKEW_SECONDS = 5;

export interface TokenHeader {
  alg: typeof TOKEN_ALGORITHM;
  typ: typeof TOKEN_TYPE;
  kid: string;
}

export interface TokenClaims {
  iss: string;
  aud: string;
  /** User id, decimal. */
  sub: string;
  /** Session id. */
  sid: string;
  /** Seconds since the epoch. */
  iat: number;
  /** Seconds since the epoch; the token is refused from this second on, give or take the skew. */
  exp: number;
  /** Seconds since the epoch; we write none and keep to one that is there. */
  nbf?: number;
}

/**
 * Exactly what our issuer writes: the pinned algorithm and type, and a key by name. Whatever else a header has (`crit`,
 * `jwk`, `jku`, `x5c`, `zip`, …) asks to be understood or brings a key along, and was not made by this issuer.
 */
export function isOurHeader(header: Record<string, unknown>): boolean {
  for (const name in header) {
    if (name !== "alg" && name !== "typ" && name !== "kid") return false;
  }
  return header.alg === TOKEN_ALGORITHM && header.typ === TOKEN_TYPE && typeof header.kid === "string";
}

/** The claims of a token whose signature holds: all that we write, in our form. Their times are another question. */
export function areOurClaims(claims: Record<string, unknown>, issuer: string, audience: string): boolean {
  return (
    claims.iss === issuer &&
    claims.aud === audience &&
    isUserId(claims.sub) &&
    typeof claims.sid === "string" &&
    claims.sid !== "" &&
    isInstant(claims.exp) &&
    (claims.iat === undefined || isInstant(claims.iat)) &&
    (claims.nbf === undefined || isInstant(claims.nbf))
  );
}

/** Refused from that second on. */
export function refusedFrom(claims: Pick<TokenClaims, "exp">): number {
  return claims.exp + TOKEN_CLOCK_SKEW_SECONDS;
}

/** Refused until that second. */
export function acceptedFrom(claims: Pick<TokenClaims, "nbf">): number {
  return claims.nbf === undefined ? 0 : claims.nbf - TOKEN_CLOCK_SKEW_SECONDS;
}

const DIGIT_0 = 48;
const DIGIT_9 = 57;
/** Any number of so many digits is exact in both runtimes. */
const USER_ID_DIGITS_MAX = 15;

function isUserId(value: unknown): boolean {
  if (typeof value !== "string" || value.length === 0 || value.length > USER_ID_DIGITS_MAX) return false;
  for (let i = 0; i < value.length; i++) {
    const byte = value.charCodeAt(i);
    if (byte > DIGIT_9 || byte < DIGIT_0 || (i === 0 && byte === DIGIT_0)) return false;
  }
  return true;
}

const INSTANT_MAX = 9_007_199_254_740_991;

/** Whole seconds: a fraction would end a little earlier in one runtime than in the other. */
function isInstant(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= INSTANT_MAX && Math.floor(value) === value;
}

/**
 * The file by which verifiers get public keys. It is replaced as a whole while they run; they look at it every
 * second. More than one key is in it while keys are rotated:
 *
 *     announced ──signsFrom──▶ signing ──a newer one signs──▶ verifying ──verifiesUntil──▶ over
 */
export interface TokenKeysFile {
  keys: TokenPublicKey[];
}

/**
 * For so long a key is known before it signs, seconds: time for every verifier to look at the file ten times. Who
 * keeps what `/.well-known/jwks.json` answered keeps it no longer.
 */
export const TOKEN_KEY_ANNOUNCED_SECONDS = 10;

export interface TokenPublicKey {
  kid: string;
  alg: typeof TOKEN_ALGORITHM;
  /** SubjectPublicKeyInfo, PEM (RFC 7468). */
  spki: string;
  /** Seconds since the epoch; without it, ever since. */
  signsFrom?: number;
  /** From then on its tokens are refused, seconds since the epoch; without it, for as long as it is here. */
  verifiesUntil?: number;
}
