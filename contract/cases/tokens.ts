import { countCookies, firstCookie } from "../src/cookies.ts";
import { betweenSessionAndUser, readPlainClaims } from "../src/plain-claims.ts";
import { decimal } from "./decimal.ts";

/** What both sides read of a request's token. */
export function answerToken(verb: string, first: string, second: string, third: string): string {
  if (verb === "cookies") return answerCookies(first, second);
  if (verb === "claims") return answerClaims(first, second, third);
  return `there is no question ${verb}`;
}

/** `cookies <field> <name>`: how many there are, and the first. */
function answerCookies(field: string, name: string): string {
  const value = firstCookie(field, name);
  return `${countCookies(field, name)} ${value === undefined ? "none" : `[${value}]`}`;
}

/** `claims <text> <issuer> <audience>` */
function answerClaims(text: string, issuer: string, audience: string): string {
  const claims = readPlainClaims(text, betweenSessionAndUser(issuer, audience));
  if (claims === undefined) return "other";
  return `${claims.sid} ${claims.sub} until ${decimal(claims.exp)}`;
}
