import {
  COOKIE_ACCESS,
  COOKIE_OAUTH,
  COOKIE_REFRESH,
  countCookies,
  firstCookie,
  isFromPageOf,
} from "@sluice/contract/cookies.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "../../../kernel/errors.ts";
import { clientOf } from "../../../platform/http/client.ts";
import type { TrailEvent } from "../application/trail.ts";
import { identityErrors } from "../errors.ts";

/** How many cookies of that name there are, and the first of them. */
export function cookiesOf(
  { raw }: FastifyRequest,
  name: string,
): { count: number; first: string | undefined } {
  const fields = raw.headersDistinct.cookie ?? [];
  const counts = fields.map((field) => countCookies(field, name));
  const holder = fields.find((_, index) => counts[index] !== 0);
  return {
    count: counts.reduce((sum, count) => sum + count, 0),
    first: holder === undefined ? undefined : firstCookie(holder, name),
  };
}

/** The one cookie of that name: with two, nobody knows which is meant. */
export function cookieOf(request: FastifyRequest, name: string): string | undefined {
  const { count, first } = cookiesOf(request, name);
  return count === 1 ? first : undefined;
}

/** Tokens that no script of the page can read. */
export function keepTokens(
  reply: FastifyReply,
  tokens: { readonly accessToken: string; readonly refreshToken: string; readonly expiresIn: number },
  refreshTtlSeconds: number,
): void {
  reply.header("set-cookie", [
    cookie(COOKIE_ACCESS, tokens.accessToken, "Strict", tokens.expiresIn),
    cookie(COOKIE_REFRESH, tokens.refreshToken, "Strict", refreshTtlSeconds),
  ]);
}

export function dropTokens(reply: FastifyReply): void {
  reply.header("set-cookie", [
    cookie(COOKIE_ACCESS, "", "Strict", 0),
    cookie(COOKIE_REFRESH, "", "Strict", 0),
  ]);
}

/** Lax: it must come along when the provider sends the browser back. */
export function keepAttempt(reply: FastifyReply, sealed: string, ttlSeconds: number): void {
  reply.header("set-cookie", cookie(COOKIE_OAUTH, sealed, "Lax", ttlSeconds));
}

export function dropAttempt(reply: FastifyReply): void {
  reply.header("set-cookie", cookie(COOKIE_OAUTH, "", "Lax", 0));
}

function cookie(name: string, value: string, sameSite: "Strict" | "Lax", maxAgeSeconds: number): string {
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; Secure; SameSite=${sameSite}`;
}

/** For requests that change something and go by a cookie; programs have bearer tokens. */
export function refuseOtherSitesThan(
  publicUrl: string,
  record: (refused: TrailEvent) => void,
): RefuseOtherSites {
  return (request) => {
    const { headers } = request;
    if (isFromPageOf(publicUrl, headers["sec-fetch-site"], headers.origin)) return;
    const detail = identityErrors.crossSite.code;
    record({ kind: "cross_site_refused", detail, client: clientOf(request) });
    throw new Refusal(identityErrors.crossSite);
  };
}

export type RefuseOtherSites = (request: FastifyRequest) => void;
