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
import { createSegmentBuffer, DOT, decodeSegment, findDots } from "./compact.ts";
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

const BYTES = ffi.typeof<ffi.Bytes>("const unsigned char *");
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
    return findToken(ffi.cast(BYTES, cookie), cookie.length, address, nowMs);
  }
  const length = headers.authorizationLength;
  if (length === 0 || length > AUTHORIZATION_LENGTH_MAX) return $multi(undefined, TOKEN_MALFORMED);
  const field = authorizationBytes();
  if (!isBearer(field, length)) return $multi(undefined, TOKEN_MISSING);
  return findToken(bytesAt(field, SCHEME.length), length - SCHEME.length, address, nowMs);
}

/** @hot */
function findToken(
  token: ffi.Bytes,
  length: number,
  address: Address,
  nowMs: number,
): LuaMultiReturn<[VerifiedToken, undefined] | [undefined, ProblemKind]> {
  // A flood of what cannot be one of ours ends here, before a string is made of it.
  if (!mayBeToken(token[0] as number)) {
    return $multi(undefined, countFailing(address, nowMs) ? TOKEN_MALFORMED : TOKEN_FLOOD);
  }
  if (isNoiseBehindHeader(token, length)) {
    return $multi(undefined, countFailing(address, nowMs) ? problemOfNoise(token, length) : TOKEN_FLOOD);
  }
  const nowS = nowMs / 1000;
  const text = ffi.string(token, length);
  const held = getFrom(verified, text);
  if (held !== undefined) {
    if (nowS >= held.refusedFromS) return $multi(undefined, TOKEN_EXPIRED);
    return $multi(held, undefined);
  }
  if (sendsTooManyFailing(address, nowMs)) return $multi(undefined, TOKEN_FLOOD);
  const [made, problem] = verifyToken(token, length, nowS);
  if (made === undefined) {
    countFailing(address, nowMs);
    return $multi(undefined, problem as ProblemKind);
  }
  // One that is over is remembered, too: it costs a signature once, however often it is sent.
  putInto(verified, text, made);
  if (nowS >= made.refusedFromS) return $multi(undefined, TOKEN_EXPIRED);
  return $multi(made, undefined);
}

/** The first character of `{` in base64: no object with white space before it was made by our issuer. */
const OBJECT_START = 101;
/** That of `[`: such a header is read, and refused for what it is. */
const LIST_START = 87;

/** @hot */
function mayBeToken(first: number): boolean {
  return first === OBJECT_START || first === LIST_START;
}

/**
 * Whether the header is one of ours, copied, and what follows is no object.
 *
 * @hot
 */
function isNoiseBehindHeader(token: ffi.Bytes, length: number): boolean {
  const header = latestHeader.length;
  return (
    header > 0 &&
    length > header + 1 &&
    sameBytes(token, latestHeader, header) &&
    token[header] === DOT &&
    token[header + 1] !== OBJECT_START
  );
}

function problemOfNoise(token: ffi.Bytes, length: number): ProblemKind {
  const [, second] = findDots(token, length);
  if (second === undefined) return TOKEN_MALFORMED;
  return decodeSegment(token, second + 1, length, signature) < 0 ? TOKEN_MALFORMED : TOKEN_INVALID;
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
/** The one that came in last of them. @perWorker */
let latestHeader = "";
const GOOD_HEADERS_MAX = 64;

function verifyToken(
  token: ffi.Bytes,
  length: number,
  nowS: number,
): LuaMultiReturn<[VerifiedToken, undefined] | [undefined, ProblemKind]> {
  const [first, second] = findDots(token, length);
  if (first === undefined || second === undefined) return $multi(undefined, TOKEN_MALFORMED);
  const headerText = ffi.string(token, first);
  let kid: string | undefined = goodHeaders.get(headerText);
  const isNew = kid === undefined;
  if (isNew) {
    const header = parseObject(decodeText(token, 0, first));
    if (header === undefined) return $multi(undefined, TOKEN_MALFORMED);
    kid = isOurHeader(header) ? (header.kid as string) : undefined;
  }
  const signatureLength = decodeSegment(token, second + 1, length, signature);
  if (signatureLength < 0) return $multi(undefined, TOKEN_MALFORMED);
  const key = kid === undefined ? undefined : findTokenKey(kid, nowS);
  if (key === undefined) return $multi(undefined, TOKEN_INVALID);
  if (isNew) rememberHeader(headerText, kid as string);
  // What the claims say costs less to see than what the signature is worth.
  const claims = readClaims(token, first + 1, second);
  if (claims === undefined) return $multi(undefined, TOKEN_INVALID);
  if (!verifyRs256(key, signature, signatureLength, token, second)) return $multi(undefined, TOKEN_INVALID);
  if (nowS < acceptedFrom(claims)) return $multi(undefined, TOKEN_INVALID);
  const [limitA, limitB] = userKey(claims.sub);
  return $multi(
    { userId: claims.sub, limitA, limitB, sessionId: claims.sid, refusedFromS: refusedFrom(claims) },
    undefined,
  );
}

/** Those of our issuer, in whatever JSON; undefined for what is none. Noise is known by its first character. */
function readClaims(token: ffi.Bytes, from: number, to: number): ClaimsInTime | undefined {
  if (token[from] !== OBJECT_START) return undefined;
  const payload = decodeText(token, from, to);
  if (payload === undefined) return undefined;
  const plain = readPlainClaims(payload, between);
  if (plain !== undefined) return plain;
  const claims = parseObject(payload);
  if (claims === undefined || !areOurClaims(claims, issuer, audience)) return undefined;
  return claims as unknown as TokenClaims;
}

function decodeText(token: ffi.Bytes, from: number, to: number): string | undefined {
  const length = decodeSegment(token, from, to, segment);
  return length < 0 ? undefined : ffi.string(segment, length);
}

function rememberHeader(segment: string, kid: string): void {
  if (goodHeaderCount >= GOOD_HEADERS_MAX) {
    goodHeaders = new LuaTable();
    goodHeaderCount = 0;
  }
  goodHeaders.set(segment, kid);
  goodHeaderCount += 1;
  latestHeader = segment;
}

function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  const [value] = strict.decode(text);
  return type(value) === "table" ? (value as Record<string, unknown>) : undefined;
}
