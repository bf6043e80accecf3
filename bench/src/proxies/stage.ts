/**
 * What a suite of proxies runs on: a home of its own, one upstream, Redis, the compiled edge, and all that is started
 * besides, stopped in reverse order however the suite ends.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Home, openHome } from "../../../cli/src/process/home.ts";
import type { OwnedProcess } from "../../../cli/src/process/owned-process.ts";
import { freePorts, LOOPBACK } from "../../../cli/src/process/ports.ts";
import { startRedis } from "../../../cli/src/services/redis.ts";
import { childrenOf } from "./processor.ts";
import { type Projections, writeProjections } from "./projections.ts";
import { startUpstream } from "./reference.ts";
import { buildEdge, startEdge, writeTokenKeys } from "./sluice.ts";
import { mintTokens, type TokenSet } from "./tokens.ts";

export interface Stage {
  home: Home;
  upstreamPort: number;
  /** Of sessions that every edge here knows. */
  tokens: TokenSet;
  redisUrl: string;
  /** A proxy on a free port, stopped with the stage. */
  start(begin: (port: number) => Promise<OwnedProcess>): Promise<Proxy>;
  /** An edge on projections of its own. */
  startEdge(name: string, projections: Omit<Projections, "prefix" | "sessions" | "deniedAt">): Promise<Proxy>;
}

export interface Proxy {
  url: string;
  /** The process that does the work; of several, the first. */
  workerPid: number;
}

export async function onStage<Result>(
  tokensEach: number,
  play: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  const started: Stoppable[] = [];
  try {
    return await play(await setUp(openHome(folder), tokensEach, started));
  } finally {
    for (const one of started.toReversed()) await one.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Stoppable {
  stop(): Promise<void>;
}

async function setUp(home: Home, tokensEach: number, started: Stoppable[]): Promise<Stage> {
  const tokens = await mintTokens(Math.floor(Date.now() / 1000), tokensEach);
  const [upstreamPort, redisPort] = (await freePorts(2)) as [number, number];
  started.push(await startUpstream(home, upstreamPort));
  const redis = await startRedis({ home, port: redisPort, durable: false });
  started.push({ stop: () => redis.close() });
  const geoDir = join(home.data, "geo");
  await buildEdge(geoDir);
  const tokenKeysFile = writeTokenKeys(home, tokens.keysFile);
  const parts = { home, upstreamPort, redisUrl: redis.url, tokenKeysFile, geoDir };
  const start: Stage["start"] = async (begin) => {
    const [port] = (await freePorts(1)) as [number];
    const owned = await begin(port);
    started.push(owned);
    return { url: `http://${LOOPBACK}:${port}`, workerPid: workerOf(owned) };
  };
  const listed = new Map<readonly string[], string>();
  return {
    home,
    upstreamPort,
    tokens,
    redisUrl: redis.url,
    start,
    startEdge: async (name, projections) => {
      const prefix = `${name}:`;
      const deniedAt = listed.get(projections.denied);
      await writeProjections(redis.url, { prefix, deniedAt, sessions: tokens.sessions, ...projections });
      if (projections.denied.length > 0) listed.set(projections.denied, prefix);
      return start((port) => startEdge(parts, name, port, prefix));
    },
  };
}

/** HAProxy works in the process itself. */
function workerOf(master: OwnedProcess): number {
  return childrenOf(master.pid)[0] ?? master.pid;
}
