/**
 * Everything that is measured, started and ready. See suite.ts for what is compared with what.
 */
import type { PolicyDocument } from "@sluice/contract/policy/document.ts";
import type { Home } from "../../../cli/src/process/home.ts";
import type { OwnedProcess } from "../../../cli/src/process/owned-process.ts";
import { freePorts, LOOPBACK } from "../../../cli/src/process/ports.ts";
import { startRedis } from "../../../cli/src/services/redis.ts";
import type { Contender, Refusal } from "./contender.ts";
import { startHaproxy } from "./haproxy.ts";
import type { Requests } from "./load.ts";
import { clientAddresses, deniedAddress, deniedBlocks } from "./population.ts";
import { childrenOf } from "./processor.ts";
import { writeProjections } from "./projections.ts";
import { startBareProxy, startUpstream } from "./reference.ts";
import { buildEdge, type EdgeParts, startEdge, writeTokenKeys } from "./sluice.ts";
import { mintTokens, type TokenSet } from "./tokens.ts";

/** The references: bare nginx, given the same requests as those that are held against it. */
const BARE = "nginx: proxy_pass";
const BARE_SIGNED_IN = "nginx: proxy_pass, tokens";
const BARE_ONE = "nginx: proxy_pass, one token";

/** Public and not cached: it goes to the origin, whatever that answers. */
const PUBLIC_PATH = "/openapi.json";
const USER_PATH = "/orders";

const NO_RULES: PolicyDocument = { rules: [], default: "allow" };
/**
 * Five rules over 25 codes that ISO 3166-1 leaves to its users: every request is held against all of them, and
 * no caller comes from there.
 */
const GEO_RULES: PolicyDocument = {
  rules: [
    ["XA", "XB", "XC", "XD", "XE"],
    ["XF", "XG", "XH", "XI", "XJ"],
    ["XL", "XM", "XN", "XO", "XP"],
    ["QM", "QN", "QO", "QP", "QQ"],
    ["QR", "QS", "QT", "QU", "QV"],
  ].map((country, index) => ({
    id: `geo-${index + 1}`,
    match: { country },
    mode: index === 4 ? "observe" : "enforce",
    action: "deny",
    status: 451,
  })),
  default: "allow",
};

export interface Contenders {
  all: Contender[];
  close(): Promise<void>;
}

export async function startContenders(home: Home, geoFile: string): Promise<Contenders> {
  const started: Stoppable[] = [];
  const close = async () => {
    for (const one of started.toReversed()) await one.stop();
  };
  try {
    const population: Population = {
      addresses: clientAddresses(),
      denied: deniedBlocks(),
      ...mintTokens(Math.floor(Date.now() / 1000)),
    };
    const proxies = await startProxies(home, geoFile, population, started);
    return { all: rows(proxies, population), close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Stoppable {
  stop(): Promise<void>;
}

interface Population extends TokenSet {
  addresses: string[];
  denied: string[];
}

interface Proxy {
  url: string;
  workerPid: number;
}

type Proxies = Record<"bare" | "edge" | "edgeWithList" | "edgeWithAll" | "haproxy" | "haproxyChecked", Proxy>;

/** Puts everything that it started at the end of `started`. */
async function startProxies(
  home: Home,
  geoFile: string,
  { denied, sessions, keysFile, publicKey }: Population,
  started: Stoppable[],
): Promise<Proxies> {
  const [upstreamPort, barePort, plainPort, checkedPort, redisPort, ...edgePorts] = (await freePorts(
    8,
  )) as Eight;
  started.push(await startUpstream(home, upstreamPort));
  const bare = await startBareProxy(home, barePort, upstreamPort);
  started.push(bare);
  const haproxy = await startHaproxy({ home, plainPort, checkedPort, upstreamPort, denied, publicKey });
  started.push(haproxy);
  const redis = await startRedis({ home, port: redisPort, durable: false });
  started.push({ stop: () => redis.close() });
  await buildEdge(geoFile);
  const tokenKeysFile = writeTokenKeys(home, keysFile);
  const parts: EdgeParts = { home, upstreamPort, redisUrl: redis.url, tokenKeysFile, geoFile };
  const edge = async (
    name: string,
    port: number,
    blocks: string[],
    policy: PolicyDocument,
  ): Promise<Proxy> => {
    const prefix = `${name}:`;
    await writeProjections(redis.url, { prefix, denied: blocks, policy, sessions });
    const owned = await startEdge(parts, name, port, prefix);
    started.push(owned);
    return { url: at(port), workerPid: workerOf(owned) };
  };
  return {
    bare: { url: at(barePort), workerPid: workerOf(bare) },
    edge: await edge("edge-no-checks", edgePorts[0], [], NO_RULES),
    edgeWithList: await edge("edge-list", edgePorts[1], denied, NO_RULES),
    edgeWithAll: await edge("edge-list-geo", edgePorts[2], denied, GEO_RULES),
    haproxy: { url: at(plainPort), workerPid: haproxy.pid },
    haproxyChecked: { url: at(checkedPort), workerPid: haproxy.pid },
  };
}

type Eight = [number, number, number, number, number, number, number, number];

function rows(proxies: Proxies, { addresses, denied, sessions }: Population): Contender[] {
  const tokens = sessions.map(({ token }) => token);
  const anonymous: Requests = { path: PUBLIC_PATH, addresses, tokens: [] };
  const signedIn: Requests = { path: USER_PATH, addresses, tokens };
  const one: Requests = { path: USER_PATH, addresses: addresses.slice(0, 1), tokens: tokens.slice(0, 1) };
  const byAddress = [denialOf(denied)];
  const byToken = tokenRefusals(tokens[0] as string);
  const both = [...byAddress, ...byToken];
  const { bare, edge, edgeWithList, edgeWithAll, haproxy, haproxyChecked } = proxies;
  const anybody = { reference: BARE, requests: anonymous };
  const user = { reference: BARE_SIGNED_IN, requests: signedIn };
  const oneUser = { reference: BARE_ONE, requests: one };
  return [
    { name: BARE, ...bare, ...anybody, refusals: [] },
    { name: "edge: no checks", ...edge, ...anybody, refusals: [] },
    { name: "edge: 100 k deny list", ...edgeWithList, ...anybody, refusals: byAddress },
    { name: "edge: deny list, geo rules", ...edgeWithAll, ...anybody, refusals: byAddress },
    { name: "HAProxy: no checks", ...haproxy, ...anybody, refusals: [] },
    { name: BARE_SIGNED_IN, ...bare, ...user, refusals: [] },
    { name: "edge: token and session", ...edge, ...user, refusals: byToken },
    { name: "edge: all checks", ...edgeWithAll, ...user, refusals: both },
    { name: "HAProxy: deny list, jwt_verify", ...haproxyChecked, ...user, refusals: both },
    { name: BARE_ONE, ...bare, ...oneUser, refusals: [] },
    { name: "edge: all checks, one address", ...edgeWithAll, ...oneUser, refusals: both },
  ];
}

function denialOf(denied: readonly string[]): Refusal {
  return {
    what: "a denied address",
    headers: { "x-forwarded-for": deniedAddress(denied) },
    status: 403,
  };
}

function tokenRefusals(token: string): Refusal[] {
  const forged = `${token.slice(0, -6)}AAAAAA`;
  return [
    { what: "no token", headers: { authorization: "" }, status: 401 },
    { what: "a forged token", headers: { authorization: `Bearer ${forged}` }, status: 401 },
  ];
}

function at(port: number): string {
  return `http://${LOOPBACK}:${port}`;
}

function workerOf(master: OwnedProcess): number {
  const [worker] = childrenOf(master.pid);
  if (worker === undefined) throw new Error(`${master.name} has no worker`);
  return worker;
}
