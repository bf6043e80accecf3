import type { Home } from "../process/home.ts";
import type { OwnedProcess } from "../process/owned-process.ts";

/** A service that lives answers a ping at once; one that takes longer is not well. */
export const ANSWER_TIMEOUT_MS = 2000;

/** What every private service needs to know; each module adds what only it needs. */
export interface ServiceOptions {
  home: Home;
  port: number;
  /** Tests give up the fsync at every commit; `up` never does. */
  durable: boolean;
}

/** What every service is once it runs: something that answers at `url` until it is closed. */
export interface RunningService {
  name: string;
  url: string;
  pid: number;
  exited: OwnedProcess["exited"];
  logFile: string;
  /** Stops it within a bound and leaves nothing running. The data stays. */
  close(): Promise<void>;
}

export function runningService(owned: OwnedProcess, url: string, close = owned.stop): RunningService {
  return { name: owned.name, url, pid: owned.pid, exited: owned.exited, logFile: owned.logFile, close };
}
