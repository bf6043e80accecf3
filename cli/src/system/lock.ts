/**
 * One supervisor for one home. The lock is a socket in Linux's abstract namespace, named after the folder:
 * the kernel gives it to one process and takes it back when that process dies, however it dies, so there is
 * no stale lock to clean up (unix(7)).
 */
import { createHash } from "node:crypto";
import { createServer } from "node:net";

export interface Lock {
  release(): Promise<void>;
}

/** Undefined when another process holds it. */
export function takeLock(homeRoot: string): Promise<Lock | undefined> {
  const name = createHash("sha256").update(homeRoot).digest("hex").slice(0, 32);
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(`\0sluice-${name}`, () => {
      server.unref();
      resolve({ release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
