import { request } from "node:http";
import { connect } from "node:net";

export interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
  body: string;
  /** The body parsed, for problem documents and the like. */
  json(): Record<string, unknown>;
}

export interface Ask {
  method?: string;
  host?: string;
  /** Name, value, and again: a name may come twice. */
  headers?: string[];
  body?: string | Buffer;
}

export function ask(
  port: number,
  path: string,
  { method = "GET", host = "edge.test", headers = [], body }: Ask = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? [] : ["content-length", String(Buffer.byteLength(body))];
    const outgoing = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method,
        headers: ["host", host, ...length, ...headers],
        agent: false,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({
            status: incoming.statusCode as number,
            headers: incoming.headers as Record<string, string | undefined>,
            body: text,
            json: () => JSON.parse(text) as Record<string, unknown>,
          });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Sends the bytes as they are and returns all that comes back until the connection is closed. */
export function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}
