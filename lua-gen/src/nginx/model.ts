/**
 * nginx.conf as data. Each interface is one of nginx's contexts and holds only what nginx allows there, so that a
 * directive in the wrong place doesn't compile. What has no field of its own is written with {@link directive},
 * which names its context.
 *
 * Every block may say in `source` where it comes from; the printer puts it above the block.
 */
export interface NginxConfig extends Block<"main"> {
  /** The user that workers run as; only a master started by root may change it. */
  readonly user?: string;
  readonly workers: number | "auto";
  /** In the foreground, for a supervisor, unless true. */
  readonly daemon?: boolean;
  readonly pidFile: string;
  readonly errorLog: ErrorLog;
  readonly openFilesMax?: number;
  /** How long workers may finish their requests after a graceful stop or reload. */
  readonly shutdownTimeoutSeconds?: number;
  /** Environment variables that workers (and `os.getenv`) see: a name, or a name with a value. */
  readonly environment?: Readonly<Record<string, string | true>>;
  readonly events: Events;
  readonly http: Http;
}

export interface Events extends Block<"events"> {
  readonly connectionsMax: number;
  readonly multiAccept?: boolean;
}

export interface Http extends Block<"http">, Shared, Phases {
  readonly lua: LuaSettings;
  /** `lua_shared_dict`: name and size in bytes. */
  readonly sharedDicts?: Readonly<Record<string, number>>;
  readonly init?: LuaHandler;
  readonly initWorker?: LuaHandler;
  readonly exitWorker?: LuaHandler;
  readonly serverRewrite?: LuaHandler;
  /** TLS sessions that all machines share; for connections of all servers. */
  readonly sessionFetchBy?: LuaHandler;
  readonly sessionStoreBy?: LuaHandler;
  /** Where bodies that don't fit into memory go; the folder must exist. Without it, nginx's compiled-in paths. */
  readonly tempDir?: string;
  /** Counters that {@link Shared.limitRequests} and {@link Shared.limitConnections} name. */
  readonly limitZones?: Readonly<Record<string, LimitZone>>;
  readonly logFormats?: Readonly<Record<string, LogFormat>>;
  readonly maps?: readonly VariableMap[];
  /** Media types by file extension; nginx's short built-in list without it. */
  readonly types?: Readonly<Record<string, readonly string[]>>;
  readonly upstreams?: readonly Upstream[];
  readonly servers: readonly Server[];
}

export interface LuaSettings {
  /** Lua's search path without its `;;`: the folder of the compiled scripts first. See `luaSearchPath`. */
  readonly packagePath: string;
  readonly packageCpath?: string;
  /**
   * Errors of handlers given as module and entry go into the error log with TypeScript positions. Costs nothing while
   * there are none. Needs `luaSearchPath`, which leads to lua-gen's own runtime.
   */
  readonly tracebacks?: boolean;
  readonly timersPendingMax?: number;
  readonly timersRunningMax?: number;
  /** Off, a failed connect is only what the socket call returns. On by default, as in the module. */
  readonly logSocketErrors?: boolean;
}

export interface Server extends Block<"server">, Shared, Phases {
  readonly listen: readonly Listen[];
  readonly names?: readonly string[];
  readonly http2?: boolean;
  readonly tls?: Tls;
  /** Before the location is chosen. */
  readonly serverRewrite?: LuaHandler;
  readonly return?: Return;
  readonly locations: readonly Location[];
}

export interface Listen {
  /** A literal address (IPv6 without brackets), or `{ unix }`. All addresses without it. */
  readonly address?: string | { readonly unix: string };
  /** Not for Unix sockets. */
  readonly port?: number;
  readonly defaultServer?: boolean;
  /** The peer speaks the PROXY protocol first. */
  readonly proxyProtocol?: boolean;
  /** A socket for each worker: the kernel spreads the connections. */
  readonly reusePort?: boolean;
  readonly backlog?: number;
}

export interface Tls {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly protocols?: readonly ("TLSv1.2" | "TLSv1.3")[];
  readonly ciphers?: string;
  readonly sessionCache?: { readonly zone: string; readonly bytes: number; readonly timeoutSeconds: number };
  /** Tickets resume sessions without a cache, and end forward secrecy for as long as their key lives. */
  readonly sessionTickets?: boolean;
  readonly preferServerCiphers?: boolean;
  readonly dhParametersFile?: string;
  /** Staples the certificate's OCSP answer; needs a `resolver`. */
  readonly stapling?: boolean;
  /** Asks clients for a certificate. */
  readonly clients?: {
    readonly authorityFile: string;
    readonly verify: "required" | "optional";
    readonly depthMax?: number;
  };
  /** `ssl_client_hello_by_lua_block`: before anything of the handshake is decided. */
  readonly clientHelloBy?: LuaHandler;
  /** `ssl_certificate_by_lua_block`. */
  readonly certificateBy?: LuaHandler;
}

export interface Location extends Block<"location">, Shared, Phases {
  readonly match: LocationMatch;
  /** Only for subrequests and internal redirects. */
  readonly internal?: boolean;
  /** Looked at in order, after `set` and `setBy`; the first that holds ends the rewrite phase. */
  readonly conditions?: readonly Condition[];
  /** What is answered when none of them holds; without it, the handler answers. */
  readonly otherwise?: Return;
  /** Who answers. Without it, nginx serves files. */
  readonly handler?: LocationHandler;
  readonly locations?: readonly Location[];
}

/**
 * `if` of nginx's rewrite module. What it says about headers and phases holds in the place of the location's own, for
 * requests that it holds for; everything else of the location stays, its handler too.
 */
export interface Condition {
  readonly source?: string;
  readonly when: ConditionTest;
  readonly set?: Phases["set"];
  /** In the place of all that were added outside: nginx inherits the list as a whole or not at all. */
  readonly addHeaders?: Shared["addHeaders"];
  readonly access?: LuaHandler;
  readonly headerFilter?: LuaHandler;
  /** With `handler` no further condition is looked at, and the location's handler answers. */
  readonly answer: Return | "handler";
}

/** Of a variable, without its `$`. Text may hold other variables. */
export type ConditionTest = { readonly variable: string } & (
  | { readonly equals: string }
  | { readonly differs: string }
  | { readonly matches: string }
  /** Neither empty nor "0". */
  | { readonly isSet: true }
);

export type LocationMatch =
  | { readonly exact: string }
  | { readonly prefix: string }
  /** A prefix that, being the longest, stops the search before regular expressions (`^~`). */
  | { readonly prefixFinal: string }
  | { readonly regex: string; readonly ignoreCase?: boolean }
  /** Without the `@`. */
  | { readonly name: string };

export type LocationHandler =
  | { readonly content: LuaHandler }
  | { readonly proxy: ProxyPass }
  | { readonly return: Return }
  | { readonly emptyGif: true }
  | { readonly stubStatus: true };

export type Return =
  | { readonly status: number; readonly body?: string }
  | { readonly status: 301 | 302 | 303 | 307 | 308; readonly location: string };

export interface ProxyPass {
  /** `http://name-of-an-upstream`, or an address; with a path, the location's prefix is replaced by it. */
  readonly to: string;
  readonly setHeaders?: Readonly<Record<string, string>>;
  readonly hideHeaders?: readonly string[];
  /** HTTP/1.1 with an empty `Connection`, which keepalive to upstreams needs; on unless false. */
  readonly keepalive?: boolean;
  readonly connectTimeoutMs?: number;
  readonly sendTimeoutMs?: number;
  readonly readTimeoutMs?: number;
  readonly nextUpstream?: readonly NextUpstream[] | "off";
  readonly nextUpstreamTriesMax?: number;
  readonly nextUpstreamTimeoutMs?: number;
  readonly buffering?: boolean;
  readonly requestBuffering?: boolean;
  readonly bufferBytes?: number;
  readonly buffers?: { readonly count: number; readonly bytes: number };
  readonly interceptErrors?: boolean;
  /** `proxy_ssl_certificate_by_lua_block`; newer than Debian's module, as is the next. */
  readonly upstreamCertificateBy?: LuaHandler;
  /** `proxy_ssl_verify_by_lua_block`. */
  readonly upstreamVerifyBy?: LuaHandler;
}

export type NextUpstream =
  | "error"
  | "timeout"
  | "invalid_header"
  | "http_500"
  | "http_502"
  | "http_503"
  | "http_504"
  | "http_403"
  | "http_404"
  | "http_429"
  /** Also POST and other requests that may not be repeated: rarely right. */
  | "non_idempotent";

/** An upstream either lists its servers, or a Lua balancer names the peer for each request. */
export type Upstream = Block<"upstream"> & {
  readonly name: string;
  readonly keepalive?: UpstreamKeepalive;
} & (
    | { readonly servers: readonly [UpstreamServer, ...UpstreamServer[]] }
    | { readonly balancer: LuaHandler }
  );

export interface UpstreamServer {
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  readonly weight?: number;
  /** 0 never counts it as failed. */
  readonly failuresMax?: number;
  readonly failTimeoutSeconds?: number;
  readonly connectionsMax?: number;
  readonly backup?: boolean;
  readonly down?: boolean;
}

export interface UpstreamKeepalive {
  /** Idle connections that each worker keeps. */
  readonly connections: number;
  readonly requestsMax?: number;
  readonly timeoutSeconds?: number;
}

/** With a rate it limits requests, without one connections. */
export interface LimitZone {
  /** What is counted apart: `$binary_remote_addr`. Requests for which it is empty aren't limited. */
  readonly key: string;
  readonly bytes: number;
  readonly rate?: { readonly requests: number; readonly per: "second" | "minute" };
}

export interface LimitRequests {
  readonly zone: string;
  /** How many requests may come too early. */
  readonly burst?: number;
  /** They are let through at once, or those after the first so many are delayed; without it all are delayed. */
  readonly delay?: "none" | number;
}

export interface VariableMap {
  readonly source?: string;
  /** What is looked up: `$http_upgrade`, or text with variables. */
  readonly from: string;
  /** Without the `$`. */
  readonly variable: string;
  readonly default?: string;
  /** In order; a key that starts with `~` is a regular expression. */
  readonly values: readonly (readonly [key: string, value: string])[];
  readonly hostnames?: boolean;
}

export interface LogFormat {
  readonly escape?: "default" | "json" | "none";
  readonly format: string;
}

/** What http, server and location all allow; the inner one wins. */
export interface Shared {
  readonly accessLog?: "off" | AccessLog;
  readonly errorLog?: ErrorLog;
  readonly defaultType?: string;
  readonly clientBodyBytesMax?: number;
  readonly clientBodyBufferBytes?: number;
  readonly clientHeaderTimeoutMs?: number;
  readonly clientBodyTimeoutMs?: number;
  readonly sendTimeoutMs?: number;
  readonly keepaliveTimeoutSeconds?: number;
  readonly keepaliveRequestsMax?: number;
  readonly serverTokens?: boolean;
  readonly sendfile?: boolean;
  readonly tcpNoDelay?: boolean;
  readonly tcpNoPush?: boolean;
  readonly root?: string;
  readonly realIp?: RealIp;
  readonly resolver?: { readonly addresses: readonly string[]; readonly validSeconds?: number };
  readonly addHeaders?: readonly {
    readonly name: string;
    readonly value: string;
    readonly always?: boolean;
  }[];
  readonly errorPages?: readonly {
    readonly statuses: readonly number[];
    readonly uri: string;
    readonly as?: number;
  }[];
  /** All of them have to let a request pass. */
  readonly limitRequests?: readonly LimitRequests[];
  readonly limitConnections?: readonly { readonly zone: string; readonly connectionsMax: number }[];
  /** What refused requests are answered with: 503 without it. */
  readonly limitStatus?: number;
  readonly limitRateBytesPerSecond?: number;
  /** `underscores_in_headers`; only http and server act on it. */
  readonly underscoresInHeaders?: boolean;
  readonly luaSocketTimeoutsMs?: {
    readonly connect?: number;
    readonly send?: number;
    readonly read?: number;
  };
}

export interface AccessLog {
  readonly path: string;
  readonly format?: string;
  readonly bufferBytes?: number;
  readonly flushMs?: number;
  /** A condition: nothing is logged when it is empty or "0". */
  readonly if?: string;
}

export interface ErrorLog {
  /** A file, or "stderr". */
  readonly path: string;
  readonly level?: "debug" | "info" | "notice" | "warn" | "error" | "crit" | "alert" | "emerg";
}

export interface RealIp {
  readonly trusted: readonly string[];
  readonly header: "X-Forwarded-For" | "X-Real-IP" | "proxy_protocol" | (string & {});
  /** Look past every trusted address, from the right. */
  readonly recursive?: boolean;
}

/** The phases of a request that run Lua. */
export interface Phases {
  readonly set?: readonly { readonly variable: string; readonly value: string }[];
  /**
   * `set_by_lua_block`: each variable becomes the text that its handler returns. It is the cheapest way into Lua,
   * because no coroutine is made, and so the handler can't wait. An error in it is answered 500.
   */
  readonly setBy?: readonly { readonly variable: string; readonly by: LuaHandler }[];
  readonly rewrite?: LuaHandler;
  readonly access?: LuaHandler;
  /** Between access and content; newer than Debian's module. */
  readonly precontent?: LuaHandler;
  readonly headerFilter?: LuaHandler;
  readonly bodyFilter?: LuaHandler;
  readonly log?: LuaHandler;
}

/** A function that a Lua module exports, called without arguments; or Lua text as it is. */
export type LuaHandler =
  | LuaEntry
  /** What of the project's own it calls, so that `@phase` above that can be compared. */
  | { readonly code: string; readonly calls?: readonly LuaEntry[] };

export interface LuaEntry {
  /** As `require` calls it. */
  readonly module: string;
  readonly entry: string;
}

export type Context = "main" | "events" | "http" | "server" | "location" | "upstream";

interface Block<C extends Context> {
  /** Where this block comes from, for who reads the printed file: `edge/nginx.ts, the public listener`. */
  readonly source?: string;
  /** Printed last in the block. */
  readonly directives?: readonly Directive<C>[];
}

/** Any directive. Where it may stand is part of its type, so that one made for a location can't stand in http. */
export interface Directive<C extends Context> {
  readonly allowedIn: Readonly<Record<C, true>>;
  readonly name: string;
  readonly args: readonly string[];
}

/** The escape hatch: `directive(["http", "server"], "large_client_header_buffers", "4", "16k")`. */
export function directive<const C extends Context>(
  contexts: readonly C[],
  name: string,
  ...args: readonly string[]
): Directive<C> {
  const allowedIn = Object.fromEntries(contexts.map((context) => [context, true])) as Record<C, true>;
  return { allowedIn, name, args };
}
