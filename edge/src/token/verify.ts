import {
  type ProblemKind,
  TOKEN_EXPIRED,
  TOKEN_INVALID,
  TOKEN_MALFORMED,
  TOKEN_MISSING,
} from "@sluice/contract/error-codes.ts";
import {
  TOKEN_ALGORITHM,
  TOKEN_CLOCK_SKEW_SECONDS,
  TOKEN_LENGTH_MAX,
  TOKEN_TYPE,
  type TokenClaims,
  type TokenHeader,
} from "@sluice/contract/token-claims.ts";
import { decode } from "cjson.safe";
import { userKey } from "../limits/user-key.ts";
import { clearMap, createGenerationalMap, getFrom, putInto } from "../platform/generational-map.ts";
import type { SeenHeaders } from "../platform/request-headers.ts";
import { decodeSegment, splitCompact } from "./compact.ts";
import { findTokenKey } from "./keys.ts";
import { verifyRs256 } from "./rsa.ts";

/** A token whose signature and claims hold; only its time can still run out. */
export interface VerifiedToken {
  userId: string;
  sessionId: string;
  /** The user, as rate limits count: 48 bits and 16. */
  limitA: number;
  limitB: number;
  /** Seconds since the epoch, with the skew added: refused from then on. */
  refusedFromS: number;
}

const SCHEME = "bearer ";

/** What the header scan needs to copy at most. */
export const AUTHORIZATION_LENGTH_MAX = SCHEME.length + TOKEN_LENGTH_MAX;

/**
 * Tokens that were verified, by the whole field as it was sent. A signature costs 25 µs, a lookup well under
 * one. Only good tokens are kept, so nobody can fill it without having them.
 */
const verified = createGenerationalMap<VerifiedToken>(10_000);

let issuer = "";
let audience = "";

export function configureVerification(expectedIssuer: string, expectedAudience: string): void {
  issuer = expectedIssuer;
  audience = expectedAudience;
}

/** A key was taken out of use: what it had signed is verified again, and fails. */
export function forgetVerifiedTokens(): void {
  clearMap(verified);
}

/**
 * The token of the request, or why there is none to go by.
 *
 * @hot
 */
export function verifyAuthorization(
  headers: SeenHeaders,
  nowS: number,
): LuaMultiReturn<[VerifiedToken, undefined] | [undefined, ProblemKind]> {
  const field = headers.authorization;
  const held = getFrom(verified, field);
  if (held !== undefined && headers.authorizations === 1) {
    if (nowS >= held.refusedFromS) return $multi(undefined, TOKEN_EXPIRED);
    return $multi(held, undefined);
  }
  if (headers.authorizations === 0) return $multi(undefined, TOKEN_MISSING);
  // Two tokens: whichever we chose, somebody behind us might choose the other.
  if (headers.authorizations > 1 || field === "") return $multi(undefined, TOKEN_MALFORMED);
  if (string.lower(field.substring(0, SCHEME.length)) !== SCHEME) return $multi(undefined, TOKEN_MISSING);
  const [token, problem] = verifyToken(field.substring(SCHEME.length), nowS);
  if (token === undefined) return $multi(undefined, problem as ProblemKind);
  if (nowS >= token.refusedFromS) return $multi(undefined, TOKEN_EXPIRED);
  putInto(verified, field, token);
  return $multi(token, undefined);
}

function verifyToken(
  text: string,
  nowS: number,
): LuaMultiReturn<[VerifiedToken, undefined] | [undefined, ProblemKind]> {
  const compact = text.length <= TOKEN_LENGTH_MAX ? splitCompact(text) : undefined;
  if (compact === undefined) return $multi(undefined, TOKEN_MALFORMED);
  const header = decodeObject(compact.header);
  const signature = decodeSegment(compact.signature);
  if (header === undefined || signature === undefined) return $multi(undefined, TOKEN_MALFORMED);
  const key = isOurHeader(header) ? findTokenKey((header as TokenHeader).kid, nowS) : undefined;
  if (key === undefined || !verifyRs256(key, signature, compact.signed))
    return $multi(undefined, TOKEN_INVALID);
  const claims = decodeObject(compact.payload) as Partial<TokenClaims> | undefined;
  if (claims === undefined || !isOurs(claims)) return $multi(undefined, TOKEN_INVALID);
  const [limitA, limitB] = userKey(claims.sub);
  return $multi(
    {
      userId: claims.sub,
      limitA,
      limitB,
      sessionId: claims.sid,
      refusedFromS: claims.exp + TOKEN_CLOCK_SKEW_SECONDS,
    },
    undefined,
  );
}

function decodeObject(segment: string): object | undefined {
  const text = decodeSegment(segment);
  if (text === undefined) return undefined;
  const [value] = decode(text);
  return type(value) === "table" ? (value as object) : undefined;
}

/**
 * The algorithm is pinned and keys come from our file only. `crit` names what a verifier must understand, and we
 * understand none of it (RFC 7515, 4.1.11); a header that brings a key along was not made by our issuer.
 */
function isOurHeader(header: object): boolean {
  const given = header as Partial<TokenHeader> & Record<string, unknown>;
  return (
    given.alg === TOKEN_ALGORITHM &&
    given.typ === TOKEN_TYPE &&
    type(given.kid) === "string" &&
    given.crit === undefined &&
    given.jwk === undefined &&
    given.jku === undefined &&
    given.x5u === undefined &&
    given.x5c === undefined
  );
}

function isOurs(claims: Partial<TokenClaims>): claims is TokenClaims {
  return (
    claims.iss === issuer &&
    claims.aud === audience &&
    type(claims.sub) === "string" &&
    type(claims.sid) === "string" &&
    claims.sid !== "" &&
    type(claims.exp) === "number"
  );
}
