/**
 * HTTP over connections that are kept, one request at a time on each: the little of a client that a crowd needs, because
 * the crowd shares the machine with the system that it asks. People have connections of their own: whoever has a
 * challenge or a ticket does not wait behind all who have just come, as they would not at home, nor those behind them.
 */
import { connect, type Socket } from "node:net";

export interface Reply {
  /** 0 when there was no answer. */
  readonly status: number;
  readonly retryAfterMs: number;
  readonly body: string;
}

export interface Lines {
  ask(method: "GET" | "POST", path: string, headers: string, body?: string): Promise<Reply>;
  close(): void;
}

interface Waiting {
  readonly text: string;
  readonly done: (reply: Reply) => void;
}

const BUYING = "/purchases";
const ANSWER_TIMEOUT_MS = 15_000;
const NO_ANSWER: Reply = { status: 0, retryAfterMs: 0, body: "" };

export function openLines(port: number, connections: number): Lines {
  const [buying, coming] = [newQueue<Waiting>(), newQueue<Waiting>()];
  const idle: Line[] = [];
  let closed = false;
  let turns = 0;

  const next = (line: Line) => {
    turns += 1;
    const request = turns % 2 === 0 ? (buying.take() ?? coming.take()) : (coming.take() ?? buying.take());
    if (request === undefined) idle.push(line);
    else line.send(request);
  };
  const lines = Array.from({ length: connections }, () => newLine(port, next));
  idle.push(...lines);

  return {
    ask: (method, path, headers, body = "") =>
      new Promise((done) => {
        const type = body === "" ? "" : "content-type: application/json\r\n";
        const length = method === "POST" ? `content-length: ${Buffer.byteLength(body)}\r\n` : "";
        const text = `${method} ${path} HTTP/1.1\r\nhost: sale.example\r\n${headers}${type}${length}\r\n${body}`;
        const line = idle.pop();
        if (closed) done(NO_ANSWER);
        else if (line === undefined) (path.includes(BUYING) ? buying : coming).put({ text, done });
        else line.send({ text, done });
      }),
    close: () => {
      closed = true;
      for (const queue of [buying, coming]) {
        for (let one = queue.take(); one !== undefined; one = queue.take()) one.done(NO_ANSWER);
      }
      for (const line of lines) line.close();
    },
  };
}

/** An array's `shift` moves all that are behind: with a hundred thousand of them that is most of the work. */
function newQueue<T>() {
  let items: T[] = [];
  let head = 0;
  return {
    put: (item: T) => void items.push(item),
    take: (): T | undefined => {
      const item = items[head];
      if (item === undefined) return undefined;
      head += 1;
      if (head > COMPACTED_AT && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
  };
}

const COMPACTED_AT = 1_024;

interface Line {
  send(request: Waiting): void;
  close(): void;
}

function newLine(port: number, free: (line: Line) => void): Line {
  let socket: Socket | undefined;
  let current: Waiting | undefined;
  let received = "";

  const finish = (reply: Reply) => {
    const request = current;
    current = undefined;
    received = "";
    request?.done(reply);
    free(line);
  };

  const open = () => {
    const opened = connect({ port, host: "127.0.0.1", noDelay: true });
    opened.setEncoding("latin1");
    opened.setTimeout(ANSWER_TIMEOUT_MS, () => opened.destroy());
    opened.on("data", (text: string) => {
      received += text;
      const reply = replyIn(received);
      if (reply !== undefined) finish(reply);
    });
    // Its end is told by "close".
    opened.on("error", () => opened.destroy());
    opened.on("close", () => {
      if (socket === opened) socket = undefined;
      if (current !== undefined) finish(NO_ANSWER);
    });
    return opened;
  };

  const line: Line = {
    send: (request) => {
      current = request;
      socket ??= open();
      socket.write(request.text, "latin1");
    },
    close: () => socket?.destroy(),
  };
  return line;
}

/** Undefined while it is not complete. */
function replyIn(text: string): Reply | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const head = text.slice(0, end);
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
  const chunked = Number.isNaN(length);
  if (chunked ? !text.endsWith("\r\n0\r\n\r\n") : text.length < end + 4 + length) return undefined;
  const retryAfter = /\r\nretry-after: *(\d+)/i.exec(head)?.[1];
  return {
    status: Number(head.slice(9, 12)),
    retryAfterMs: retryAfter === undefined ? 0 : Number(retryAfter) * 1_000,
    body: chunked ? unchunked(text.slice(end + 4)) : text.slice(end + 4),
  };
}

/** RFC 9112, 7.1. */
function unchunked(text: string): string {
  let body = "";
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (!(size > 0)) return body;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 4 + size;
  }
}
