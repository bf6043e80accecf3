/**
 * What nginx does with one route: Lua says in a word what is to become of the request, and conditions on that word
 * refuse it, or let it go on to the route's handler.
 */

import { type ProblemKind, TOKEN_FLOOD } from "@sluice/contract/error-codes.ts";
import {
  HEADER_CACHE,
  HEADER_CLIENT_ADDRESS,
  HEADER_COUNTRY,
  HEADER_REQUEST_ID,
} from "@sluice/contract/headers.ts";
import {
  bearerChallenge,
  PROBLEM_MEDIA_TYPE,
  problemDocument,
  UNAVAILABLE_RETRY_AFTER_SECONDS,
} from "@sluice/contract/problem-document.ts";
import type { Condition, Location, LocationMatch, LuaHandler, ProxyPass } from "lua-gen/nginx/model.ts";
import { answerOf, call } from "./entries.ts";
import { REQUEST_ID } from "./nginx-variables.ts";
import type { Page } from "./pages.ts";
import { allowedMethods, patternRegex, ROUTES, type Route } from "./routes.ts";
import { PASS, REFUSALS, type Refusal, TOKEN_REFUSALS, WAIT } from "./src/phases/verdicts.ts";

export const ORIGIN_CONNECT_TIMEOUT_MS = 1_000;
export const ORIGIN_READ_TIMEOUT_MS = 10_000;
/** Between two parts of a stream: the origin gives a sign of life every 15 s. */
const STREAM_READ_TIMEOUT_MS = 60_000;

/** What Lua tells of the limit that has least left; empty, and not sent, when none was charged. */
export const RATE_LIMIT_FIELDS = [
  { name: "RateLimit-Policy", value: "$sluice_rate_limit_policy" },
  { name: "RateLimit", value: "$sluice_rate_limit" },
];

const VERDICT = "sluice_verdict";
/** Ten more tokens of the address are looked at by then. */
const FLOOD_RETRY_AFTER_SECONDS = "1";

export function routeLocation(route: Route, index: number): Location {
  const regex = patternRegex(route.pattern);
  const match: LocationMatch = regex === undefined ? { exact: route.pattern } : { regex };
  const needsToken = Object.values(route.methods).includes("user");
  return {
    source: `edge/routes.ts: ${route.pattern}`,
    match,
    ...decidedBy(answerOf("decideRoute", index), {
      admissions: needsToken ? [pass, wait] : [pass],
      refusals: needsToken ? [...REFUSALS, ...TOKEN_REFUSALS] : REFUSALS,
      allow: allowedMethods(route),
    }),
    handler: route.cache === undefined ? { proxy: proxyFor(route) } : { content: cacheHandler(route.cache) },
  };
}

/** Numbered after the routes, whose table it is decided by. */
export function pageLocation({ path, file }: Page, index: number): Location {
  return {
    source: `edge/pages.ts: web/${file}`,
    match: { exact: path },
    ...decidedBy(answerOf("decideRoute", ROUTES.length + index), {
      admissions: [pass],
      refusals: REFUSALS,
      allow: ["GET", "HEAD"],
    }),
    handler: { content: call("servePage", index) },
  };
}

const pass: Condition = { when: { variable: VERDICT, equals: PASS }, answer: "handler" };
const wait: Condition = {
  when: { variable: VERDICT, equals: WAIT },
  access: call("awaitSession"),
  answer: "handler",
};

export interface Decision {
  admissions: readonly Condition[];
  refusals: readonly Refusal[];
  /** The `Allow` field of a 405. */
  allow: readonly string[];
}

/** The part of a location that decides. What none of the words that it knows stands for is answered 500. */
export function decidedBy(decide: LuaHandler, { admissions, refusals, allow }: Decision): Partial<Location> {
  return {
    // Of what is answered here; the handlers' answers have their own.
    defaultType: PROBLEM_MEDIA_TYPE,
    setBy: [{ variable: VERDICT, by: decide }],
    conditions: [...admissions, ...refusals.map((refusal) => refused(refusal, allow))],
    otherwise: { status: 500 },
  };
}

function refused(refusal: Refusal, allow: readonly string[]): Condition {
  const { verdict, kind, status, detail, reason } = refusal;
  return {
    when: { variable: VERDICT, equals: verdict },
    set: [
      { variable: "sluice_problem", value: kind.code },
      ...(reason === undefined ? [] : [{ variable: "sluice_reason", value: reason }]),
    ],
    addHeaders: [
      { name: HEADER_REQUEST_ID, value: REQUEST_ID, always: true },
      ...headersOf(kind, status, allow).map((header) => ({ ...header, always: true })),
    ],
    answer: { status, body: problemDocument(kind, status, detail, REQUEST_ID) },
  };
}

function headersOf(kind: ProblemKind, status: number, allow: readonly string[]) {
  switch (status) {
    case 401:
      return [{ name: "WWW-Authenticate", value: bearerChallenge(kind) }];
    case 405:
      return [{ name: "Allow", value: allow.join(", ") }];
    case 429:
      // Of tokens that fail no quota is told: who sends them should not learn how many more may.
      if (kind === TOKEN_FLOOD) return [{ name: "Retry-After", value: FLOOD_RETRY_AFTER_SECONDS }];
      return [{ name: "Retry-After", value: "$sluice_retry_after" }, ...RATE_LIMIT_FIELDS];
    case 503:
      return [{ name: "Retry-After", value: UNAVAILABLE_RETRY_AFTER_SECONDS }];
    default:
      return [];
  }
}

function cacheHandler(cache: NonNullable<Route["cache"]>): LuaHandler {
  return call(cache === "product" ? "serveProduct" : "serveProductList");
}

function proxyFor(route: Route): ProxyPass {
  if (route.stream === undefined) return originProxy();
  return { ...originProxy(), buffering: false, readTimeoutMs: STREAM_READ_TIMEOUT_MS };
}

/** The request goes on as it came, but for what only the edge may say. */
function originProxy(): ProxyPass {
  return {
    to: "http://origin",
    setHeaders: {
      Host: "$http_host",
      [HEADER_REQUEST_ID]: REQUEST_ID,
      [HEADER_CLIENT_ADDRESS]: "$remote_addr",
      [HEADER_COUNTRY]: "$sluice_country",
      "x-forwarded-for": "$remote_addr",
      "x-forwarded-proto": "$scheme",
      traceparent: "$sluice_traceparent",
    },
    hideHeaders: [HEADER_REQUEST_ID, HEADER_CACHE],
    connectTimeoutMs: ORIGIN_CONNECT_TIMEOUT_MS,
    readTimeoutMs: ORIGIN_READ_TIMEOUT_MS,
    sendTimeoutMs: ORIGIN_READ_TIMEOUT_MS,
    nextUpstream: ["error", "timeout"],
    nextUpstreamTriesMax: 2,
    nextUpstreamTimeoutMs: 3_000,
  };
}
