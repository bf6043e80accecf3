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
import * as ffi from "ffi";
import { userKey } from "../limits/user-key.ts";
import { clearMap, createGenerationalMap, getFrom, putInto } from "../platform/generational-map.ts";
import { authorizationBytes, type SeenHeaders } from "../platform/request-headers.ts";
import { sameBytes } from "../platform/variables.ts";
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

const SCHEME = "Bearer ";

const AUTHORIZATION_LENGTH_MAX = SCHEME.length + TOKEN_LENGTH_MAX;

/**
 * Tokens that were verified, by the whole field as it was sent. A signature costs 17 µs, a lookup well under
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
  if (headers.authorizations === 0) return $multi(undefined, TOKEN_MISSING);
  // Two tokens: whichever we chose, somebody behind us might choose the other.
  if (headers.authorizations > 1) return $multi(undefined, TOKEN_MALFORMED);
  const length = headers.authorizationLength;
  if (length === 0 || length > AUTHORIZATION_LENGTH_MAX) return $multi(undefined, TOKEN_MALFORMED);
  const value = authorizationBytes();
  if (!isBearer(value, length)) return $multi(undefined, TOKEN_MISSING);
  // A flood of what cannot be a token ends here, before anything is made of it.
  const first = value[SCHEME.length];
  if (first !== OBJECT_START && first !== LIST_START) {
    if (sendsTooManyFailing()) return $multi(undefined, TOKEN_FLOOD);
    countFailing();
    return $multi(undefined, TOKEN_MALFORMED);
  }
  const field = ffi.string(value, length);
  const held = getFrom(verified, field);
  if (held !== undefined) {
    if (nowS >= held.refusedFromS) return $multi(undefined, TOKEN_EXPIRED);
    return $multi(held, undefined);
  }
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

/** The first character of `{` in base64: no object with white space before it was made by our issuer. */
const OBJECT_START = 101;
/** That of `[`: such a header is read, and refused for what it is. */
const LIST_START = 87;
const SPACE = 32;
/** Makes a small letter of a capital one. */
const LOWER_CASE = 0x20;

/**
 * Schemes are matched without regard to case (RFC 9110, 11.1).
 *
 * @hot
 */
function isBearer(field: ffi.Bytes, length: number): boolean {
  if (length <= SCHEME.length) return false;
  if (sameBytes(field, SCHEME, SCHEME.length)) return true;
  return (
    isLetter(field, 0, 98) &&
    isLetter(field, 1, 101) &&
    isLetter(field, 2, 97) &&
    isLetter(field, 3, 114) &&
    isLetter(field, 4, 101) &&
    isLetter(field, 5, 114) &&
    field[6] === SPACE
  );
}

/** @hot */
function isLetter(field: ffi.Bytes, at: number, lowerCase: number): boolean {
  return ((field[at] as number) | LOWER_CASE) === lowerCase;
}

/**
 * Header segments of tokens that were good, with their key's id: an issuer writes the same one into each token.
 *
 * @perWorker
 */
let goodHeaders = new LuaTable<string, string>();
/** @perWorker */
let goodHeaderCount = 0;
const GOOD_HEADERS_MAX = 64;

function verifyToken(
  text: string,
  nowS: number,
): LuaMultiReturn<[VerifiedToken, undefined] | [undefined, ProblemKind]> {
  const compact = splitCompact(text);
  if (compact === undefined) return $multi(undefined, TOKEN_MALFORMED);
  let kid: string | undefined = goodHeaders.get(compact.header);
  const isNew = kid === undefined;
  if (isNew) {
    const header = decodeObject(compact.header);
    if (header === undefined) return $multi(undefined, TOKEN_MALFORMED);
    kid = isOurHeader(header) ? (header.kid as string) : undefined;
  }
  const signature = decodeSegment(compact.signature);
  if (signature === undefined) return $multi(undefined, TOKEN_MALFORMED);
  const key = kid === undefined ? undefined : findTokenKey(kid, nowS);
  if (key === undefined) return $multi(undefined, TOKEN_INVALID);
  // What the claims say costs less to see than what the signature is worth.
  const payload = decodeObject(compact.payload);
  if (payload === undefined || !areOurClaims(payload, issuer, audience)) {
    return $multi(undefined, TOKEN_INVALID);
  }
  if (!verifyRs256(key, signature, compact.signed)) return $multi(undefined, TOKEN_INVALID);
  if (isNew) rememberHeader(compact.header, kid as string);
  const claims = payload as unknown as TokenClaims;
  if (nowS < acceptedFrom(claims)) return $multi(undefined, TOKEN_INVALID);
  const [limitA, limitB] = userKey(claims.sub);
  return $multi(
    { userId: claims.sub, limitA, limitB, sessionId: claims.sid, refusedFromS: refusedFrom(claims) },
    undefined,
  );
}

function rememberHeader(segment: string, kid: string): void {
  if (goodHeaderCount >= GOOD_HEADERS_MAX) {
    goodHeaders = new LuaTable();
    goodHeaderCount = 0;
  }
  goodHeaders.set(segment, kid);
  goodHeaderCount += 1;
}

function decodeObject(segment: string): Record<string, unknown> | undefined {
  const text = decodeSegment(segment);
  if (text === undefined) return undefined;
  const [value] = strict.decode(text);
  return type(value) === "table" ? (value as Record<string, unknown>) : undefined;
}
