/** A small upstream that remembers what reached it. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  /** Name, value, and again, as they came. */
  rawHeaders: string[];
  body: string;
}

export type Handler = (seen: Seen, response: ServerResponse) => void;

export interface OriginUnderTest {
  port: number;
  seen: Seen[];
  /** What it answers from now on; at first, 200 and what it saw. */
  answer(handler: Handler): void;
  close(): Promise<void>;
}

export async function startOrigin(): Promise<OriginUnderTest> {
  const seen: Seen[] = [];
  let handler: Handler = (request, response) => answerJson(response, 200, { url: request.url });
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.on("data", (chunk: Buffer) => {
      body += chunk.toString("utf8");
    });
    incoming.on("end", () => {
      const request = {
        method: incoming.method as string,
        url: incoming.url as string,
        headers: incoming.headers,
        rawHeaders: incoming.rawHeaders,
        body,
      };
      seen.push(request);
      handler(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    seen,
    answer: (next) => {
      handler = next;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function answerJson(response: ServerResponse, status: number, document: object): void {
  const type = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": `${type}; charset=utf-8` });
  response.end(JSON.stringify(document));
}
