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
