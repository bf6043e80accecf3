import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Stands between a client and a server, for tests of what networks do. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Passes nothing on any more, without closing a connection. */
  fallSilent(): void;
  /** Likewise, and of those to come neither, until it points somewhere: as a server that hangs. */
  freeze(): void;
  /**
   * Resolves once a client has sent that text. It is passed on, and whatever that connection would be answered, now and
   * later, is not: what the client asked for is done, and it never hears of it.
   */
  withholdAnswersTo(text: string): Promise<void>;
  /** Ends every connection; those to come go there. */
  pointTo(url: string): void;
}

export async function openProxy(targetUrl: string): Promise<TcpProxy> {
  let target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  let frozen = false;
  let withheld: { text: string; seen: () => void } | undefined;
  const server = createServer((client) => {
    const onward = connect(Number(target.port), target.hostname);
    // Before the pipe below, so that the answer can't overtake it.
    client.on("data", (chunk: Buffer) => {
      if (withheld === undefined || !chunk.includes(withheld.text)) return;
      onward.unpipe().pause();
      withheld.seen();
      withheld = undefined;
    });
    for (const [socket, peer] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(socket);
      if (frozen) socket.pause();
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        peer.destroy();
      });
      if (!frozen) socket.pipe(peer);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const fallSilent = () => {
    for (const socket of sockets) socket.unpipe().pause();
  };
  return {
    port: (server.address() as AddressInfo).port,
    fallSilent,
    freeze: () => {
      frozen = true;
      fallSilent();
    },
    withholdAnswersTo: (text) =>
      new Promise((seen) => {
        withheld = { text, seen };
      }),
    pointTo: (url) => {
      target = new URL(url);
      frozen = false;
      endAll();
    },
    [Symbol.asyncDispose]: async () => {
      endAll();
      server.close();
    },
  };
}
