import { connect, createServer, type Socket } from "node:net";
import { LOOPBACK } from "../../cli/src/process/ports.ts";

/** A place through which one part is reached. It passes everything on, until it is told otherwise. */
export interface Passage {
  /** Holds back what comes, in both directions, on old connections and on new ones. */
  silence(): void;
  /** Breaks every connection, and each new one as soon as it is made. */
  cutOff(): void;
  /** What was held back goes on. */
  heal(): void;
  close(): Promise<void>;
}

export async function openPassage(port: number, target: number): Promise<Passage> {
  let state: "open" | "silent" | "cut" = "open";
  const pairs = new Set<readonly [Socket, Socket]>();

  const server = createServer((from) => {
    if (state === "cut") return from.destroy();
    const to = connect(target, LOOPBACK);
    const pair = [from, to] as const;
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      from.destroy();
      to.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
    }
    from.pipe(to);
    to.pipe(from);
    if (state === "silent") hold(pair);
    return undefined;
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, resolve);
  });

  return {
    silence: () => {
      state = "silent";
      for (const pair of pairs) hold(pair);
    },
    cutOff: () => {
      state = "cut";
      for (const [from, to] of pairs) {
        from.resetAndDestroy();
        to.resetAndDestroy();
      }
    },
    heal: () => {
      state = "open";
      for (const [from, to] of pairs) {
        from.pipe(to);
        to.pipe(from);
      }
    },
    close: async () => {
      for (const [from, to] of pairs) {
        from.destroy();
        to.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function hold([from, to]: readonly [Socket, Socket]): void {
  for (const socket of [from, to]) {
    socket.unpipe();
    socket.pause();
  }
}
