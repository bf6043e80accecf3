/**
 * What nginx does with one route: Lua says in a word what is to become of the request, and conditions on that word
 * refuse it, or let it go on to the route's handler.
 */

import { type ProblemKind, TOKEN_FLOOD } from "@sluice/contract/error-codes.ts";
import {
  type CacheOutcome,
  HEADER_CACHE,
  HEADER_CLIENT_ADDRESS,
  HEADER_COUNTRY,
  HEADER_REQUEST_ID,
} from "@sluice/contract/headers.ts";
import {
  bearerChallenge,
  JSON_MEDIA_TYPE,
  PROBLEM_MEDIA_TYPE,
  problemDocument,
  UNAVAILABLE_RETRY_AFTER_SECONDS,
} from "@sluice/contract/problem-document.ts";
import type {
  Condition,
  Location,
  LocationMatch,
  LuaHandler,
  ProxyPass,
  Return,
} from "lua-gen/nginx/model.ts";
import { answerOf, call } from "./entries.ts";
import { REQUEST_ID } from "./nginx-variables.ts";
import type { Page } from "./pages.ts";
import { allowedMethods, patternRegex, ROUTES, type Route } from "./routes.ts";
import {
  HELD,
  NO_PRODUCT,
  NOT_MODIFIED,
  PASS,
  POLICY_REFUSALS,
  REFUSALS,
  REQUEST_REFUSALS,
  type Refusal,
  TOKEN_REFUSALS,
  type VerdictWord,
  WAIT,
} from "./src/phases/verdicts.ts";
import { SALE_REFUSALS } from "./src/sales/refusals.ts";

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
const CACHE_HIT_WORKER: CacheOutcome = "hit-worker";
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
      admissions: admissionsOf(route, needsToken),
      refusals: [
        ...(route.cache === "product" || route.cache === "likes" ? [NO_PRODUCT] : []),
        ...(route.gate === undefined ? [] : SALE_REFUSALS),
        ...POLICY_REFUSALS,
        ...(needsToken ? TOKEN_REFUSALS : []),
        ...REQUEST_REFUSALS,
      ],
      allow: allowedMethods(route),
      answersPages: route.cache !== undefined,
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
      answersPages: false,
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

/** What the edge answers by itself stands before the handler, and asks for the session on its own. */
function admissionsOf({ first, cache }: Route, needsToken: boolean): Condition[] {
  if (first === undefined) {
    if (needsToken) return [pass, wait];
    return cache === undefined ? [pass] : [held, notModified, pass];
  }
  const asked = { access: call(first), answer: "handler" } as const;
  const passed = { when: { variable: VERDICT, equals: PASS }, ...asked };
  return needsToken ? [passed, { when: { variable: VERDICT, equals: WAIT }, ...asked }] : [passed];
}

/** Said of what is in a worker's memory: nginx answers with what the set phase has noted, and Lua is not asked again. */
const held = fromMemory(HELD, { status: 200, body: "$sluice_page" }, [
  { name: "Content-Type", value: JSON_MEDIA_TYPE },
]);
const notModified = fromMemory(NOT_MODIFIED, { status: 304 }, []);

export interface Decision {
  admissions: readonly Condition[];
  refusals: readonly Refusal[];
  /** The `Allow` field of a 405. */
  allow: readonly string[];
  /** What is answered here is not always a problem document. */
  answersPages: boolean;
}

interface Header {
  name: string;
  value: string;
}

/** The part of a location that decides. What none of the words that it knows stands for is answered 500. */
export function decidedBy(
  decide: LuaHandler,
  { admissions, refusals, allow, answersPages }: Decision,
): Partial<Location> {
  // A condition cannot change the type, but it can add the field where there is no type.
  const type = answersPages ? [{ name: "Content-Type", value: PROBLEM_MEDIA_TYPE }] : [];
  return {
    // Of what is answered here; the handlers' answers have their own.
    defaultType: answersPages ? "" : PROBLEM_MEDIA_TYPE,
    setBy: [{ variable: VERDICT, by: decide }],
    conditions: [...admissions, ...refusals.map((refusal) => refused(refusal, allow, type))],
    otherwise: { status: 500 },
  };
}

function fromMemory(verdict: VerdictWord, answer: Return, more: Header[]): Condition {
  const headers = [
    { name: HEADER_REQUEST_ID, value: REQUEST_ID },
    { name: HEADER_CACHE, value: CACHE_HIT_WORKER },
    { name: "ETag", value: "$sluice_etag" },
    ...RATE_LIMIT_FIELDS,
    ...more,
  ];
  return {
    when: { variable: VERDICT, equals: verdict },
    set: [{ variable: "sluice_cache", value: CACHE_HIT_WORKER }],
    addHeaders: headers.map((header) => ({ ...header, always: true })),
    answer,
  };
}

function refused(refusal: Refusal, allow: readonly string[], type: readonly Header[]): Condition {
  const { verdict, kind, status, detail, reason } = refusal;
  return {
    when: { variable: VERDICT, equals: verdict },
    set: [
      { variable: "sluice_problem", value: kind.code },
      ...(reason === undefined ? [] : [{ variable: "sluice_reason", value: reason }]),
    ],
    addHeaders: [
      { name: HEADER_REQUEST_ID, value: REQUEST_ID, always: true },
      ...[...headersOf(kind, status, allow), ...type].map((header) => ({ ...header, always: true })),
    ],
    answer: { status, body: problemDocument(kind, status, detail, REQUEST_ID) },
  };
}

function headersOf(kind: ProblemKind, status: number, allow: readonly string[]) {
  // Not sent while it is empty.
  if (kind.code.startsWith("sale.") && status !== 503) {
    return [{ name: "Retry-After", value: "$sluice_retry_after" }];
  }
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

const cacheEntries = {
  product: "serveProduct",
  "product-list": "serveProductList",
  likes: "serveLikes",
} as const;

function cacheHandler(cache: NonNullable<Route["cache"]>): LuaHandler {
  return call(cacheEntries[cache]);
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
      // By which the access policy decided: the host of an absolute request line, before the field's.
      Host: "$host",
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
