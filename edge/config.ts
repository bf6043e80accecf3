import { isIP } from "node:net";
import { parseCidr } from "@sluice/contract/policy/address.ts";

/** Everything that an edge is configured with, read from the environment when its nginx.conf is generated. */
export interface EdgeConfig {
  host: string;
  port: number;
  workers: number | "auto";
  /** `host:port` of each instance of the origin's api role. */
  origins: string[];
  redis: { host: string; port: number; password: string };
  redisPrefix: string;
  /** Peers who are believed where a client comes from: addresses and CIDR blocks. */
  trustedProxies: string[];
  /** Where trusted peers announce the client by the PROXY protocol; no such listener without it. */
  proxyProtocolPort: number | undefined;
  /** Where people find the site, as they type it. */
  publicUrl: string;
  tokenKeysFile: string;
  tokenIssuer: string;
  tokenAudience: string;
  /** For so long without Redis, sessions go on that a worker knows to live; 0 refuses them at once. */
  sessionGraceSeconds: number;
  geoDir: string;
  stateDir: string;
  /** Addresses, users and routes whose rate limits are counted at once. */
  limitKeysMax: number;
  /** Decisions that are kept for operators and their dry runs; 0 records none. */
  decisionsMax: number;
  /** Records name networks and not addresses. */
  truncateAddresses: boolean;
  logDir: string;
  runDir: string;
  luaDir: string;
}

type Environment = Record<string, string | undefined>;

/** Reads the configuration. All faults come at once, one sentence each. */
export function readConfig(env: Environment): { config: EdgeConfig } | { faults: string[] } {
  const faults: string[] = [];
  const fault = (name: string, message: string) => faults.push(`${name}: ${message}`);
  const required = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === "") fault(name, "is not set");
    return value ?? "";
  };
  const port = (name: string, value: string): number => {
    if (!isWithin(value, 1, 65_535)) fault(name, `"${value}" is not a port`);
    return Number(value);
  };
  const wholeNumber = (name: string, fallback: string, min: number, max: number): number => {
    const value = env[name] ?? fallback;
    if (!isWithin(value, min, max)) fault(name, `"${value}" is not a number from ${min} to ${max}`);
    return Number(value);
  };
  const hostAndPort = (name: string, value: string): string => {
    const at = value.lastIndexOf(":");
    if (at < 1) fault(name, `"${value}" is not host:port`);
    else port(name, value.slice(at + 1));
    return value;
  };

  const workers = env.EDGE_WORKERS ?? "auto";
  if (workers !== "auto" && !/^[1-9][0-9]{0,2}$/.test(workers)) {
    fault("EDGE_WORKERS", `"${workers}" is neither "auto" nor a number from 1 to 999`);
  }
  const origins = list(required("EDGE_ORIGINS")).map((value) => hostAndPort("EDGE_ORIGINS", value));
  const trustedProxies = list(env.EDGE_TRUSTED_PROXIES ?? "");
  for (const block of trustedProxies) {
    if (parseCidr(block) === undefined) fault("EDGE_TRUSTED_PROXIES", `"${block}" is not an address or CIDR`);
  }
  const proxyProtocolPort = env.EDGE_PROXY_PROTOCOL_PORT ?? "";
  if (proxyProtocolPort !== "") {
    port("EDGE_PROXY_PROTOCOL_PORT", proxyProtocolPort);
    if (trustedProxies.length === 0) {
      fault("EDGE_PROXY_PROTOCOL_PORT", "EDGE_TRUSTED_PROXIES must name who speaks the PROXY protocol there");
    }
  }
  const publicUrl = env.EDGE_PUBLIC_URL ?? "http://127.0.0.1:8080";
  if (!isSite(publicUrl)) {
    fault("EDGE_PUBLIC_URL", `"${publicUrl}" is not a site: https://shop.example, without a path`);
  }
  const host = env.EDGE_HOST ?? "127.0.0.1";
  if (isIP(host) === 0) fault("EDGE_HOST", `"${host}" is not an IP address`);
  const [redisAddress = "", ...password] = required("EDGE_REDIS").split("/");
  if (redisAddress !== "") hostAndPort("EDGE_REDIS", redisAddress);
  const redisColon = redisAddress.lastIndexOf(":");
  const decisionsMax = wholeNumber("EDGE_DECISIONS_MAX", "100000", 0, 9_999_999);
  const limitKeysMax = wholeNumber("EDGE_LIMIT_KEYS_MAX", "1000000", 1, 99_999_999);
  const sessionGraceSeconds = wholeNumber("EDGE_SESSION_GRACE_SECONDS", "30", 0, 9_999);
  const recordedAddresses = env.EDGE_RECORDED_ADDRESSES ?? "full";
  if (!["full", "truncated"].includes(recordedAddresses)) {
    fault("EDGE_RECORDED_ADDRESSES", `"${recordedAddresses}" is neither "full" nor "truncated"`);
  }
  const config: EdgeConfig = {
    host,
    port: port("EDGE_PORT", env.EDGE_PORT ?? "8080"),
    workers: workers === "auto" ? workers : Number(workers),
    origins,
    redis: {
      host: redisAddress.slice(0, redisColon),
      port: Number(redisAddress.slice(redisColon + 1)),
      password: password.join("/"),
    },
    redisPrefix: env.EDGE_REDIS_PREFIX ?? "",
    trustedProxies,
    proxyProtocolPort: proxyProtocolPort === "" ? undefined : Number(proxyProtocolPort),
    publicUrl,
    tokenKeysFile: required("EDGE_TOKEN_KEYS_FILE"),
    tokenIssuer: env.EDGE_TOKEN_ISSUER ?? "sluice",
    tokenAudience: env.EDGE_TOKEN_AUDIENCE ?? "sluice",
    sessionGraceSeconds,
    geoDir: required("EDGE_GEO_DIR"),
    stateDir: required("EDGE_STATE_DIR"),
    limitKeysMax,
    decisionsMax,
    truncateAddresses: recordedAddresses === "truncated",
    logDir: required("EDGE_LOG_DIR"),
    runDir: required("EDGE_RUN_DIR"),
    luaDir: env.EDGE_LUA_DIR ?? new URL("dist", import.meta.url).pathname,
  };
  return faults.length > 0 ? { faults } : { config };
}

function isWithin(value: string, min: number, max: number): boolean {
  return /^[0-9]{1,8}$/.test(value) && Number(value) >= min && Number(value) <= max;
}

function isSite(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value;
}

function list(value: string): string[] {
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
