/**
 * The edge's nginx, as data. Each route is a location: nginx matches it, Lua decides who may pass, nginx proxies.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { HEADER_CACHE, HEADER_REQUEST_ID } from "@sluice/contract/headers.ts";
import {
  type AccessLog,
  directive,
  type Location,
  type NginxConfig,
  type RealIp,
  type Server,
} from "lua-gen/nginx/model.ts";
import { luaSearchCpath, luaSearchPath, type Platform } from "lua-gen/nginx/platform.ts";
import type { EdgeConfig } from "./config.ts";
import { call } from "./entries.ts";
import { locationTree } from "./location-tree.ts";
import { REQUEST_ID, variableMaps } from "./nginx-variables.ts";
import { CONTENT_SECURITY_POLICY, PAGES, readPages } from "./pages.ts";
import { ORIGIN_CONNECT_TIMEOUT_MS, ORIGIN_READ_TIMEOUT_MS, RATE_LIMIT_FIELDS } from "./route-location.ts";
import { patternRegex, ROUTES, type Route } from "./routes.ts";
import { FLIGHT_NOTES, FLIGHT_NOTES_BYTES } from "./src/flight-notes.ts";
import { MEMORY_REGISTER, MEMORY_REGISTER_BYTES } from "./src/memory-register.ts";
import type { EdgeSettings } from "./src/settings.ts";

/** Request bodies, bytes: orders and credentials are small. */
const BODY_BYTES_MAX = 65_536;
/** Idle connections to the origin that each worker keeps. Node closes them after 72 s, so we do before. */
const ORIGIN_KEEPALIVE = { connections: 128, requestsMax: 100_000, timeoutSeconds: 30 };

export interface EdgePlace {
  /** Where `edge.json` and the folder for temporary files are. */
  outDir: string;
  /** Begins every request id, so that edges, and starts of one edge, draw different ones. Hexadecimal. */
  instance: string;
  /** Workers run as this user; only when the master is root. */
  user?: string;
  /** Name servers, when an address is a name. */
  resolvers: string[];
}

export function edgeNginx(config: EdgeConfig, platform: Platform, place: EdgePlace): NginxConfig {
  return {
    source: "edge/nginx.ts",
    ...(place.user === undefined ? {} : { user: place.user }),
    workers: config.workers,
    pidFile: `${config.runDir}/nginx.pid`,
    errorLog: { path: "stderr", level: "notice" },
    openFilesMax: 16_384,
    shutdownTimeoutSeconds: 10,
    // Routes with a parameter are regular expressions.
    directives: [directive(["main"], "pcre_jit", "on")],
    events: { connectionsMax: 8_192 },
    http: {
      lua: {
        packagePath: luaSearchPath(platform, config.luaDir),
        packageCpath: luaSearchCpath(platform),
        logSocketErrors: false,
      },
      init: {
        code: `require("edge.src.phases.init").init("${place.outDir}/edge.json")`,
        calls: [{ module: "edge.src.phases.init", entry: "init" }],
      },
      initWorker: call("startWorker"),
      sharedDicts: {
        [MEMORY_REGISTER]: MEMORY_REGISTER_BYTES,
        [FLIGHT_NOTES]: FLIGHT_NOTES_BYTES,
      },
      tempDir: `${place.outDir}/tmp`,
      logFormats: {
        decision: { escape: "json", format: decisionFormat("$request_method", "$uri", {}) },
        failure: {
          escape: "json",
          format: decisionFormat("$sluice_raw_method", "$sluice_raw_path", {
            upstream: "$upstream_addr",
            upstreamStatus: "$upstream_status",
          }),
        },
      },
      accessLog: decisionLog(config, "decision"),
      defaultType: "application/json; charset=utf-8",
      serverTokens: false,
      tcpNoDelay: true,
      keepaliveTimeoutSeconds: 65,
      keepaliveRequestsMax: 100_000,
      ...(place.resolvers.length > 0 ? { resolver: { addresses: place.resolvers, validSeconds: 10 } } : {}),
      maps: variableMaps(place.instance),
      upstreams: [
        {
          name: "origin",
          servers: originServers(config.origins),
          keepalive: ORIGIN_KEEPALIVE,
        },
      ],
      servers: publicServers(config),
    },
  };
}

/** The same routes on both: they differ in who says where a client comes from. */
function publicServers(config: EdgeConfig): Server[] {
  const { host: address, port, proxyProtocolPort, trustedProxies: trusted } = config;
  const listen = { address, reusePort: true, backlog: 4_096 };
  const forwarded: RealIp = { trusted, header: "X-Forwarded-For", recursive: true };
  const servers = [
    {
      source: "edge/nginx.ts, the public listener",
      listen: [{ ...listen, port }],
      ...(trusted.length > 0 ? { realIp: forwarded } : {}),
      ...sharedServer(config),
    },
  ];
  if (proxyProtocolPort === undefined) return servers;
  const announced = {
    source:
      "The same for those who speak the PROXY protocol; of others than trusted peers what it says is ignored",
    listen: [{ ...listen, port: proxyProtocolPort, proxyProtocol: true }],
    realIp: { trusted, header: "proxy_protocol" },
    ...sharedServer(config),
  };
  return [...servers, announced];
}

function sharedServer(config: EdgeConfig): Omit<Server, "listen"> {
  return {
    // Behind each line about a request nginx writes the request line, with the query string and what tokens it may
    // hold, and can't be told not to: no level is written here that occurs in a request. What failed is in the
    // decision log; our own lines come from timers and start-up, which log outside the server.
    errorLog: { path: "stderr", level: "emerg" },
    clientBodyBytesMax: BODY_BYTES_MAX,
    clientBodyBufferBytes: BODY_BYTES_MAX,
    clientHeaderTimeoutMs: 10_000,
    clientBodyTimeoutMs: 10_000,
    sendTimeoutMs: 10_000,
    addHeaders: [
      { name: HEADER_REQUEST_ID, value: REQUEST_ID, always: true },
      // Not sent while it is empty.
      { name: HEADER_CACHE, value: "$sluice_cache", always: true },
      ...RATE_LIMIT_FIELDS.map((field) => ({ ...field, always: true })),
    ],
    errorPages: [
      { statuses: [400, 404, 405, 408, 411, 413, 414, 500, 501, 503, 504, 505], uri: "/-/problem" },
      { statuses: [494], uri: "/-/problem", as: 431 },
      { statuses: [502], uri: "/-/problem", as: 503 },
    ],
    directives: [
      directive(["http", "server"], "client_header_buffer_size", "4k"),
      directive(["http", "server"], "large_client_header_buffers", "4", "8k"),
      // What Lua hasn't set is empty, see the location below.
      directive(["http", "server", "location"], "uninitialized_variable_warn", "off"),
    ],
    locations: [
      ...ownLocations(config),
      ...locationTree({
        decision: decisionLog(config, "decision"),
        failure: decisionLog(config, "failure"),
      }),
    ],
  };
}

/** Set by Lua, without their prefix. */
const VARIABLES = [
  "country",
  "reason",
  "rule",
  "problem",
  "user",
  "cache",
  "page",
  "etag",
  "request_id",
  "rate_limit",
  "rate_limit_policy",
  "retry_after",
];

/** What the Lua code is told. */
export function edgeSettings(config: EdgeConfig, edge: string): EdgeSettings {
  return {
    redis: config.redis,
    redisPrefix: config.redisPrefix,
    tokenKeysFile: config.tokenKeysFile,
    publicUrl: config.publicUrl,
    tokenIssuer: config.tokenIssuer,
    tokenAudience: config.tokenAudience,
    sessionGraceSeconds: config.sessionGraceSeconds,
    geoDir: config.geoDir,
    edge,
    stateDir: config.stateDir,
    sample: { decisionsMax: config.decisionsMax, truncateAddresses: config.truncateAddresses },
    limitKeysMax: config.limitKeysMax,
    saleScript: saleScript(),
    routes: [
      ...ROUTES.map((route, index) => ({
        number: index + 1,
        pattern: route.pattern,
        methods: methodsOf(route),
        ...(route.cache === undefined ? {} : { cache: route.cache }),
        ...(route.gate === undefined ? {} : { gate: route.gate }),
        ...(patternRegex(route.pattern) === undefined ? { path: route.pattern } : {}),
      })),
      ...PAGES.map(({ path }, index) => ({
        number: ROUTES.length + index + 1,
        pattern: path,
        methods: { GET: "public", HEAD: "public" } as const,
        cache: "page" as const,
        path,
      })),
    ],
    pages: readPages(new URL("../web", import.meta.url).pathname),
    pageSecurityPolicy: CONTENT_SECURITY_POLICY,
  };
}

function saleScript(): EdgeSettings["saleScript"] {
  const text = readFileSync(new URL("../contract/src/sales/admit.lua", import.meta.url), "utf8");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

function methodsOf(route: Route): EdgeSettings["routes"][number]["methods"] {
  const methods: EdgeSettings["routes"][number]["methods"] = { ...route.methods };
  if (route.methods.GET !== undefined) methods.HEAD = route.methods.GET;
  return methods;
}

function ownLocations(config: EdgeConfig): Location[] {
  return [
    {
      source: "The edge's own",
      match: { exact: "/healthz" },
      accessLog: "off",
      handler: { return: { status: 200, body: '{"status":"ok"}' } },
    },
    {
      match: { exact: "/readyz" },
      accessLog: "off",
      handler: { content: call("answerReadiness") },
    },
    {
      source: "What nginx would have answered in HTML",
      match: { exact: "/-/problem" },
      internal: true,
      accessLog: decisionLog(config, "failure"),
      handler: { content: call("answerNginxError") },
    },
    {
      source:
        "Fills of the caches: the same answer for everybody, so nothing of the client's request goes along",
      match: { prefixFinal: "/-/origin/" },
      internal: true,
      // Lua sees what became of the rest; this one is for who asks for the location from outside.
      errorPages: [{ statuses: [404], uri: "/-/problem" }],
      handler: {
        proxy: {
          to: "http://origin/",
          setHeaders: {
            // Which the decision was made by, whatever else the request says.
            Host: "$host",
            // A subrequest would draw an id of its own.
            [HEADER_REQUEST_ID]: "$sluice_request_id",
            accept: "application/json",
          },
          connectTimeoutMs: ORIGIN_CONNECT_TIMEOUT_MS,
          readTimeoutMs: ORIGIN_READ_TIMEOUT_MS,
          nextUpstream: ["error", "timeout", "http_502", "http_503"],
          nextUpstreamTriesMax: 2,
          nextUpstreamTimeoutMs: 3_000,
        },
      },
      directives: [
        directive(["http", "server", "location"], "proxy_pass_request_headers", "off"),
        directive(["http", "server", "location"], "proxy_pass_request_body", "off"),
      ],
    },
    {
      source: "Never visited: `set` makes the variables known to Lua, and would cost each request if it ran",
      match: { exact: "/-/variables" },
      internal: true,
      set: VARIABLES.map((name) => ({
        variable: `sluice_${name}`,
        value: "",
      })),
      handler: { return: { status: 404 } },
    },
  ];
}

/**
 * One record for each request, of what was decided and why; an empty verdict is the policy's default. No query
 * string and no header: tokens travel there.
 */
function decisionFormat(method: string, path: string, more: Record<string, string>): string {
  const text: Record<string, string> = {
    requestId: REQUEST_ID,
    address: "$remote_addr",
    country: "$sluice_country",
    method,
    path,
    verdict: "$sluice_reason",
    rule: "$sluice_rule",
    problem: "$sluice_problem",
    cache: "$sluice_cache",
    userId: "$sluice_user",
    upstreamSeconds: "$upstream_response_time",
    ...more,
  };
  const numbers = { ts: "$msec", status: "$status", bytes: "$bytes_sent", requestSeconds: "$request_time" };
  const members = [
    ...Object.entries(numbers).map(([name, value]) => `"${name}":${value}`),
    ...Object.entries(text).map(([name, value]) => `"${name}":"${value}"`),
  ];
  return `{${members.join(",")}}`;
}

function decisionLog(config: EdgeConfig, format: "decision" | "failure"): AccessLog {
  return {
    path: `${config.logDir}/edge-decisions.log`,
    format,
    bufferBytes: 65_536,
    flushMs: 1_000,
  };
}

function originServers(origins: readonly string[]) {
  const [first, ...rest] = origins.map((address) => ({ address, failuresMax: 2, failTimeoutSeconds: 1 }));
  if (first === undefined) throw new Error("there is no origin");
  return [first, ...rest] as const;
}
