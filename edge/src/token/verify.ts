import {
  type ProblemKind,
  TOKEN_EXPIRED,
  TOKEN_FLOOD,
  TOKEN_INVALID,
  TOKEN_MALFORMED,
  TOKEN_MISSING,
} from "@sluice/contract/error-codes.ts";
import {
  acceptedFrom,
  areOurClaims,
  isOurHeader,
  refusedFrom,
  TOKEN_LENGTH_MAX,
  type TokenClaims,
} from "@sluice/contract/token-claims.ts";
import * as json from "cjson.safe";
import { userKey } from "../limits/user-key.ts";
import { clearMap, createGenerationalMap, getFrom, putInto } from "../platform/generational-map.ts";
import type { SeenHeaders } from "../platform/request-headers.ts";
import { decodeSegment, splitCompact } from "./compact.ts";
import { countFailing, sendsTooManyFailing } from "./flood.ts";
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

/** JSON as JavaScript reads it, without `NaN`, `Infinity` and hexadecimal numbers. */
const strict = json.new();
strict.decode_invalid_numbers(false);

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
  if (sendsTooManyFailing()) return $multi(undefined, TOKEN_FLOOD);
  const [token, problem] = verifyToken(field.substring(SCHEME.length), nowS);
  if (token === undefined) {
    countFailing();
    return $multi(undefined, problem as ProblemKind);
  }
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
  const key = isOurHeader(header) ? findTokenKey(header.kid as string, nowS) : undefined;
  if (key === undefined || !verifyRs256(key, signature, compact.signed))
    return $multi(undefined, TOKEN_INVALID);
  const payload = decodeObject(compact.payload);
  if (payload === undefined || !areOurClaims(payload, issuer, audience)) {
    return $multi(undefined, TOKEN_INVALID);
  }
  const claims = payload as unknown as TokenClaims;
  if (nowS < acceptedFrom(claims)) return $multi(undefined, TOKEN_INVALID);
  const [limitA, limitB] = userKey(claims.sub);
  return $multi(
    { userId: claims.sub, limitA, limitB, sessionId: claims.sid, refusedFromS: refusedFrom(claims) },
    undefined,
  );
}

function decodeObject(segment: string): Record<string, unknown> | undefined {
  const text = decodeSegment(segment);
  if (text === undefined) return undefined;
  const [value] = strict.decode(text);
  return type(value) === "table" ? (value as Record<string, unknown>) : undefined;
}
