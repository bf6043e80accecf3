/** Connections of which each is known to lead to another worker: the kernel spreads them as it likes. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Agent, get } from "node:http";
import type { Socket } from "node:net";

const CONNECTIONS_MAX = 200;

export interface WorkerConnection {
  /** The status of `GET /products?limit=1` from that address. */
  ask(from: string): Promise<number>;
  close(): void;
}

/** One for each of the processes, which all listen on the port. */
export async function connectToEach(port: number, pids: readonly number[]): Promise<WorkerConnection[]> {
  const found = new Map<number, WorkerConnection>();
  for (let tried = 0; found.size < pids.length; tried++) {
    if (tried === CONNECTIONS_MAX) throw new Error(`no connection leads to some worker of ${pids}`);
    const { connection, localPort } = await connect(port);
    const inode = inodeOf(port, localPort);
    const owner = pids.find((pid) => !found.has(pid) && holds(pid, inode));
    if (owner === undefined) connection.close();
    else found.set(owner, connection);
  }
  return [...found.values()];
}

async function connect(port: number): Promise<{ connection: WorkerConnection; localPort: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let localPort = 0;
  const ask = (from: string) =>
    new Promise<number>((resolve, reject) => {
      const headers = { "x-forwarded-for": from };
      const request = get({ port, agent, path: "/products?limit=1", headers }, (answer) => {
        answer.resume();
        answer.once("end", () => resolve(answer.statusCode as number));
      });
      request.once("socket", (socket: Socket) => {
        socket.setNoDelay(true);
        if (!socket.connecting) localPort = socket.localPort as number;
        else socket.once("connect", () => (localPort = socket.localPort as number));
      });
      request.once("error", reject);
    });
  await ask("127.0.0.1");
  return { connection: { ask, close: () => agent.destroy() }, localPort };
}

/** Of the edge's end of the connection. */
function inodeOf(port: number, clientPort: number): string {
  const hex = (number: number) => `:${number.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    const [, local = "", remote = "", , , , , , , inode = ""] = line.trim().split(/\s+/);
    if (local.endsWith(hex(port)) && remote.endsWith(hex(clientPort))) return inode;
  }
  throw new Error(`there is no connection from port ${clientPort}`);
}

function holds(pid: number, inode: string): boolean {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).some((fd) => linkOf(`${folder}/${fd}`) === `socket:[${inode}]`);
}

/** A descriptor may be closed between the two looks. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
