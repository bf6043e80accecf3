import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Stands between a client and a server, for tests of what networks do. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Passes nothing on any more, without closing a connection. */
  fallSilent(): void;
  /** Ends every connection; those to come go there. */
  pointTo(url: string): void;
}

export async function openProxy(targetUrl: string): Promise<TcpProxy> {
  let target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const onward = connect(Number(target.port), target.hostname);
    for (const [socket, peer] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        peer.destroy();
      });
      socket.pipe(peer);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    fallSilent: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
    pointTo: (url) => {
      target = new URL(url);
      endAll();
    },
    [Symbol.asyncDispose]: async () => {
      endAll();
      server.close();
    },
  };
}
