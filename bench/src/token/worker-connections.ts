import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Agent, request } from "node:http";
import type { Socket } from "node:net";
import { childrenOf } from "../proxies/processor.ts";

/** One kept connection to one worker of an nginx. */
export interface WorkerConnection {
  readonly pid: number;
  /** The status of the answer. */
  get(path: string, headers: Record<string, string>): Promise<number>;
  close(): void;
}

/** The kernel gives connections to workers as it likes; after so many each should have got one. */
const connectionsMax = 200;

/** A connection to each worker: which one took a connection shows by whose open file it is. */
export async function connectToEveryWorker(masterPid: number, url: string): Promise<WorkerConnection[]> {
  const missing = new Set(childrenOf(masterPid));
  const found: WorkerConnection[] = [];
  for (let attempt = 0; attempt < connectionsMax && missing.size > 0; attempt++) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const get = (path: string, headers: Record<string, string>) => ask(agent, url + path, headers);
    const { status, port } = await get("/healthz", {});
    if (status !== 200) throw new Error(`the edge answers ${status}`);
    const pid = holderOf(port, [...missing]);
    if (pid === undefined) {
      agent.destroy();
      continue;
    }
    missing.delete(pid);
    found.push({
      pid,
      get: async (path, headers) => (await get(path, headers)).status,
      close: () => agent.destroy(),
    });
  }
  if (missing.size > 0) throw new Error(`no connection came to ${missing.size} of the workers`);
  return found;
}

function ask(agent: Agent, url: string, headers: Record<string, string>) {
  return new Promise<{ status: number; port: number }>((resolve, reject) => {
    const asked = request(url, { agent, headers }, (answer) => {
      const port = (answer.socket as Socket).localPort ?? 0;
      answer.resume().on("end", () => resolve({ status: answer.statusCode ?? 0, port }));
    });
    asked.on("error", reject).end();
  });
}

/** Which of the processes has the other end of the connection from that port of ours. */
function holderOf(port: number, pids: readonly number[]): number | undefined {
  const inode = acceptedInode(port);
  return pids.find((pid) =>
    readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`),
  );
}

/** Of `/proc/net/tcp`: the line whose remote port it is. */
function acceptedInode(port: number): string | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "utf8").trim().split("\n").slice(1);
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields.find(([, , remote]) => remote?.endsWith(`:${hex}`))?.[9];
}

/** Files are closed while we look. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
