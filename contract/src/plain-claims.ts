/**
 * The claims of an access token, read from their text where it is written as our issuer writes it, to the byte: the
 * members in this order, without white space, nothing escaped.
 *
 *     {"sid":"0190f3a2-…","iss":"sluice","aud":"sluice","sub":"42","iat":1800000000,"exp":1800000600}
 *
 * A reader of JSON makes tables of a text and is nothing that LuaJIT compiles; of a text of this form comparing and
 * cutting is enough, without a loop. What is accepted here `areOurClaims` accepts, too, and nobody reads it otherwise;
 * of any other form nothing is said, and the reader of JSON has to look at it.
 */
import type { TokenClaims } from "./token-claims.ts";

export type PlainClaims = Pick<TokenClaims, "sid" | "sub" | "exp">;

const HEAD = '{"sid":"';
const SESSION_ID_LENGTH = 36;
const BEFORE_IAT = '","iat":';
const BEFORE_EXP = ',"exp":';
const INSTANT_DIGITS = 10;
const USER_ID_DIGITS_MAX = 15;
const QUOTE = '"';
const DIGIT_0 = 48;
const DIGIT_9 = 57;
const CLOSING_BRACE = 125;

/** What stands between session and user; empty, which nothing matches, where one of the names needs escapes. */
export function betweenSessionAndUser(issuer: string, audience: string): string {
  if (!isPlain(issuer) || !isPlain(audience)) return "";
  return `","iss":"${issuer}","aud":"${audience}","sub":"`;
}

export function readPlainClaims(text: string, between: string): PlainClaims | undefined {
  const sidAt = HEAD.length;
  const sidEnd = sidAt + SESSION_ID_LENGTH;
  const subAt = sidEnd + between.length;
  if (between === "" || text.substring(0, sidAt) !== HEAD) return undefined;
  if (text.substring(sidEnd, subAt) !== between) return undefined;
  const subEnd = text.indexOf(QUOTE, subAt);
  const iatAt = subEnd + BEFORE_IAT.length;
  const expAt = iatAt + INSTANT_DIGITS + BEFORE_EXP.length;
  const last = expAt + INSTANT_DIGITS;
  if (subEnd < 0 || text.length !== last + 1 || text.charCodeAt(last) !== CLOSING_BRACE) return undefined;
  if (text.substring(subEnd, iatAt) !== BEFORE_IAT) return undefined;
  if (text.substring(iatAt + INSTANT_DIGITS, expAt) !== BEFORE_EXP) return undefined;
  if (!isSessionId(text, sidAt) || !isUserId(text, subAt, subEnd) || instantAt(text, iatAt) < 0)
    return undefined;
  const exp = instantAt(text, expAt);
  if (exp < 0) return undefined;
  return { sid: text.substring(sidAt, sidEnd), sub: text.substring(subAt, subEnd), exp };
}

function isSessionId(text: string, at: number): boolean {
  return (
    areSixPlain(text, at) &&
    areSixPlain(text, at + 6) &&
    areSixPlain(text, at + 12) &&
    areSixPlain(text, at + 18) &&
    areSixPlain(text, at + 24) &&
    areSixPlain(text, at + 30)
  );
}

function areSixPlain(text: string, at: number): boolean {
  return (
    isPlainCharacter(text.charCodeAt(at)) &&
    isPlainCharacter(text.charCodeAt(at + 1)) &&
    isPlainCharacter(text.charCodeAt(at + 2)) &&
    isPlainCharacter(text.charCodeAt(at + 3)) &&
    isPlainCharacter(text.charCodeAt(at + 4)) &&
    isPlainCharacter(text.charCodeAt(at + 5))
  );
}

/** Printable ASCII that JSON writes as it is. */
function isPlainCharacter(character: number): boolean {
  return character >= 32 && character < 127 && character !== 34 && character !== 92;
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isPlainCharacter(text.charCodeAt(i))) return false;
  return text !== "";
}

function isUserId(text: string, at: number, stop: number): boolean {
  if (stop === at || stop - at > USER_ID_DIGITS_MAX || text.charCodeAt(at) === DIGIT_0) return false;
  return fiveDigits(text, at, stop) && fiveDigits(text, at + 5, stop) && fiveDigits(text, at + 10, stop);
}

/** Whether there are only digits, as far as the text goes. */
function fiveDigits(text: string, at: number, stop: number): boolean {
  return (
    (at >= stop || isDigit(text.charCodeAt(at))) &&
    (at + 1 >= stop || isDigit(text.charCodeAt(at + 1))) &&
    (at + 2 >= stop || isDigit(text.charCodeAt(at + 2))) &&
    (at + 3 >= stop || isDigit(text.charCodeAt(at + 3))) &&
    (at + 4 >= stop || isDigit(text.charCodeAt(at + 4)))
  );
}

/** Seconds since the epoch in ten digits, which lasts from 2001 to 2286; less than 0 for anything else. */
function instantAt(text: string, at: number): number {
  if (text.charCodeAt(at) === DIGIT_0) return -1;
  const high = valueOfFive(text, at);
  const low = valueOfFive(text, at + 5);
  return high < 0 || low < 0 ? -1 : high * 100_000 + low;
}

function valueOfFive(text: string, at: number): number {
  const a = text.charCodeAt(at);
  const b = text.charCodeAt(at + 1);
  const c = text.charCodeAt(at + 2);
  const d = text.charCodeAt(at + 3);
  const e = text.charCodeAt(at + 4);
  if (!(isDigit(a) && isDigit(b) && isDigit(c) && isDigit(d) && isDigit(e))) return -1;
  return (((a * 10 + b) * 10 + c) * 10 + d) * 10 + e - DIGIT_0 * 11_111;
}

function isDigit(character: number): boolean {
  return character >= DIGIT_0 && character <= DIGIT_9;
}
