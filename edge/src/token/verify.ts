import {
  type ProblemKind,
  TOKEN_EXPIRED,
  TOKEN_FLOOD,
  TOKEN_INVALID,
  TOKEN_MALFORMED,
  TOKEN_MISSING,
} from "@sluice/contract/error-codes.ts";
import { betweenSessionAndUser, type PlainClaims, readPlainClaims } from "@sluice/contract/plain-claims.ts";
import type { Address } from "@sluice/contract/policy/address.ts";
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
import { bytesAt } from "../platform/bytes.ts";
import { clearMap, createGenerationalMap, getFrom, putInto } from "../platform/generational-map.ts";
import { authorizationBytes, type SeenHeaders } from "../platform/request-headers.ts";
import { sameBytes } from "../platform/variables.ts";
import { createSegmentBuffer, decodeSegment, findDots } from "./compact.ts";
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

type ClaimsInTime = PlainClaims & Pick<TokenClaims, "nbf">;

const SCHEME = "Bearer ";

const AUTHORIZATION_LENGTH_MAX = SCHEME.length + TOKEN_LENGTH_MAX;

/**
 * Tokens that were verified, as they were written. A signature costs 16 µs, a lookup well under one. Only good tokens are
 * kept, so nobody can fill it without having them.
 */
const verified = createGenerationalMap<VerifiedToken>(10_000);

/** JSON as JavaScript reads it, without `NaN`, `Infinity` and hexadecimal numbers. */
const strict = json.new();
strict.decode_invalid_numbers(false);

/** @perWorker */
const segment = createSegmentBuffer();
/** @perWorker */
const signature = createSegmentBuffer();

let issuer = "";
let audience = "";
let between = "";

export function configureVerification(expectedIssuer: string, expectedAudience: string): void {
  issuer = expectedIssuer;
  audience = expectedAudience;
  between = betweenSessionAndUser(expectedIssuer, expectedAudience);
}

/** A key was taken out of use: what it had signed is verified again, and fails. */
export function forgetVerifiedTokens(): void {
  clearMap(verified);
}

/**
 * The token of the request from that address, or why there is none to go by.
 *
 * @hot
 */
export function verifyAuthorization(
  headers: SeenHeaders,
  address: Address,
  nowMs: number,
): LuaMultiReturn<[VerifiedToken, undefined] | [undefined, ProblemKind]> {
  const tokens = headers.authorizations + headers.cookies;
  if (tokens === 0) return $multi(undefined, TOKEN_MISSING);
  // Two tokens: whichever we chose, somebody behind us might choose the other.
  if (tokens > 1) return $multi(undefined, TOKEN_MALFORMED);
  if (headers.cookies === 1) {
    const cookie = headers.cookie;
    if (cookie.length > TOKEN_LENGTH_MAX) return $multi(undefined, TOKEN_MALFORMED);
    if (!mayBeToken(cookie.charCodeAt(0))) return refuseAtOnce(address, nowMs);
    return findToken(cookie, address, nowMs);
  }
  const length = headers.authorizationLength;
  if (length === 0 || length > AUTHORIZATION_LENGTH_MAX) return $multi(undefined, TOKEN_MALFORMED);
  const field = authorizationBytes();
  if (!isBearer(field, length)) return $multi(undefined, TOKEN_MISSING);
  if (!mayBeToken(field[SCHEME.length] as number)) return refuseAtOnce(address, nowMs);
  const text = ffi.string(bytesAt(field, SCHEME.length), length - SCHEME.length);
  return findToken(text, address, nowMs);
}

/**
 * A flood of what cannot be a token ends here, before anything is made of it.
 *
 * @hot
 */
function refuseAtOnce(address: Address, nowMs: number): LuaMultiReturn<[undefined, ProblemKind]> {
  return $multi(undefined, countFailing(address, nowMs) ? TOKEN_MALFORMED : TOKEN_FLOOD);
}

/** @hot */
function findToken(
  text: string,
  address: Address,
  nowMs: number,
): LuaMultiReturn<[VerifiedToken, undefined] | [undefined, ProblemKind]> {
  const nowS = nowMs / 1000;
  const held = getFrom(verified, text);
  if (held !== undefined) {
    if (nowS >= held.refusedFromS) return $multi(undefined, TOKEN_EXPIRED);
    return $multi(held, undefined);
  }
  if (sendsTooManyFailing(address, nowMs)) return $multi(undefined, TOKEN_FLOOD);
  const [token, problem] = verifyToken(text, nowS);
  if (token === undefined) {
    countFailing(address, nowMs);
    return $multi(undefined, problem as ProblemKind);
  }
  if (nowS >= token.refusedFromS) return $multi(undefined, TOKEN_EXPIRED);
  putInto(verified, text, token);
  return $multi(token, undefined);
}

/** The first character of `{` in base64: no object with white space before it was made by our issuer. */
const OBJECT_START = 101;
/** That of `[`: such a header is read, and refused for what it is. */
const LIST_START = 87;

/** @hot */
function mayBeToken(first: number): boolean {
  return first === OBJECT_START || first === LIST_START;
}

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
 * Header segments that name one of our keys, with its id: an issuer writes the same one into each token, and whoever
 * forges one copies it.
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
  const [first, second] = findDots(text);
  if (first === undefined || second === undefined) return $multi(undefined, TOKEN_MALFORMED);
  const headerText = text.substring(0, first);
  let kid: string | undefined = goodHeaders.get(headerText);
  const isNew = kid === undefined;
  if (isNew) {
    const header = parseObject(decodeText(text, 0, first));
    if (header === undefined) return $multi(undefined, TOKEN_MALFORMED);
    kid = isOurHeader(header) ? (header.kid as string) : undefined;
  }
  const signatureLength = decodeSegment(text, second + 1, text.length, signature);
  if (signatureLength < 0) return $multi(undefined, TOKEN_MALFORMED);
  const key = kid === undefined ? undefined : findTokenKey(kid, nowS);
  if (key === undefined) return $multi(undefined, TOKEN_INVALID);
  if (isNew) rememberHeader(headerText, kid as string);
  // What the claims say costs less to see than what the signature is worth.
  const claims = readClaims(text, first + 1, second);
  if (claims === undefined) return $multi(undefined, TOKEN_INVALID);
  if (!verifyRs256(key, signature, signatureLength, text, second)) return $multi(undefined, TOKEN_INVALID);
  if (nowS < acceptedFrom(claims)) return $multi(undefined, TOKEN_INVALID);
  const [limitA, limitB] = userKey(claims.sub);
  return $multi(
    { userId: claims.sub, limitA, limitB, sessionId: claims.sid, refusedFromS: refusedFrom(claims) },
    undefined,
  );
}

/** Those of our issuer, in whatever JSON; undefined for what is none. Noise is known by its first character. */
function readClaims(text: string, from: number, to: number): ClaimsInTime | undefined {
  if (text.charCodeAt(from) !== OBJECT_START) return undefined;
  const payload = decodeText(text, from, to);
  if (payload === undefined) return undefined;
  const plain = readPlainClaims(payload, between);
  if (plain !== undefined) return plain;
  const claims = parseObject(payload);
  if (claims === undefined || !areOurClaims(claims, issuer, audience)) return undefined;
  return claims as unknown as TokenClaims;
}

function decodeText(text: string, from: number, to: number): string | undefined {
  const length = decodeSegment(text, from, to, segment);
  return length < 0 ? undefined : ffi.string(segment, length);
}

function rememberHeader(segment: string, kid: string): void {
  if (goodHeaderCount >= GOOD_HEADERS_MAX) {
    goodHeaders = new LuaTable();
    goodHeaderCount = 0;
  }
  goodHeaders.set(segment, kid);
  goodHeaderCount += 1;
}

function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  const [value] = strict.decode(text);
  return type(value) === "table" ? (value as Record<string, unknown>) : undefined;
}
