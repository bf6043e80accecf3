/**
 * What the configuration tells the Lua code: written as JSON beside `nginx.conf` by `edge/conf.ts`, read once
 * in the init phase.
 */
export interface EdgeSettings {
  redis: RedisSettings;
  /** Before every Redis key. */
  redisPrefix: string;
  tokenKeysFile: string;
  /** Where people find the site: requests that change something by a cookie must come from a page of it. */
  publicUrl: string;
  tokenIssuer: string;
  tokenAudience: string;
  /** For so long without Redis, sessions go on that are known to live. */
  sessionGraceSeconds: number;
  /** Holds the tables of countries and networks, as `edge/geo/main.ts` writes them. */
  geoDir: string;
  /** This edge's name, where operators are told of several. */
  edge: string;
  /** Holds the snapshot of policy and lists. */
  stateDir: string;
  sample: SampleSettings;
  /** Admits buyers to flash sales: `contract/src/sales/admit.lua`. */
  saleScript: SaleScript;
  /** So many keys of rate limits are kept at once. */
  limitKeysMax: number;
  /** By the number that the route's location passes to the set phase, counted from 0. */
  routes: RouteSettings[];
  /** By the number that the page's location passes to the content phase, counted from 0. */
  pages: PageSettings[];
  /** `Content-Security-Policy` of all pages. */
  pageSecurityPolicy: string;
}

/** What people see, whole. */
export interface PageSettings {
  path: string;
  contentType: string;
  body: string;
  /** With its quotes. */
  etag: string;
}

/** A Redis script, and the SHA-1 by which it is called. */
export interface SaleScript {
  text: string;
  sha: string;
}

export interface SampleSettings {
  /** Decisions kept in Redis, approximately; 0 records none. */
  decisionsMax: number;
  truncateAddresses: boolean;
}

export interface RedisSettings {
  host: string;
  port: number;
  /** Empty when Redis wants none. */
  password: string;
}

export interface RouteSettings {
  /** Whole, from 1: limits by route count under it. */
  number: number;
  /** As `edge/routes.ts` writes it. */
  pattern: string;
  /** Method → who may use it; includes `HEAD` where there is `GET`. */
  methods: Record<string, "public" | "user" | undefined>;
  /** Which of the edge's caches answers: nothing of what the client sent travels on. */
  cache?: "product" | "product-list" | "likes" | "page";
  /** A flash sale's gate stands before the token. */
  gate?: "challenge" | "purchase";
  /** Of a route without parameters: nginx has matched it exactly, so the request's need not be read. */
  path?: string;
}
