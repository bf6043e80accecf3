import { hook, wrap } from "lua-gen.traceback";
import { logFailedRequest } from "./log.ts";
import { requestId } from "./request.ts";

export function isFirstWorker(): boolean {
  return ngx.worker.id() === 0;
}

/** From 0; a worker that takes the place of another has its number. */
export function workerNumber(): number {
  // Nginx's helper processes, which have none, run nothing of ours.
  return ngx.worker.id() as number;
}

export function workerPid(): number {
  return ngx.worker.pid();
}

/** Workers are forked from one process and would all draw the same numbers. */
export function seedRandom(): void {
  math.randomseed(ngx.now() * 1000 + ngx.worker.pid());
}

/**
 * The whole decision about a request is one trace and its side traces. LuaJIT gives up at 500 constants, of which
 * each function, field and FFI type that it meets is one: "trace too long", and the rest is interpreted.
 */
export function admitLongTraces(): void {
  jit.opt.start("maxirconst=4000", "maxsnap=2000", "maxside=400");
}

export interface EntryPoints {
  /** Of `set_by_lua`. nginx answers their errors with 500 by itself, and LuaJIT must meet no `pcall` on their way. */
  set: Record<string, (this: void, argument: number) => string>;
  others: Record<string, EntryPoint>;
}

type EntryPoint = (this: void, argument: number) => void;

/**
 * Makes the phases' entry points reachable from `nginx.conf` without a `require` for each request. Their errors go
 * into the error log with TypeScript positions.
 */
export function publish(name: string, { set, others }: EntryPoints): void {
  const published = new LuaTable<string, unknown>();
  for (const [entry, run] of pairs(set)) published.set(entry, run);
  for (const [entry, run] of pairs(others)) published.set(entry, answering(wrap(run)));
  (_G as unknown as Record<string, object>)[name] = published;
  hook((text) => {
    if (ngx.get_phase() === "set") logFailedRequest(requestId(), `runtime error: ${text}`);
  });
}

/** An error becomes a 500 here and not in nginx, whose line about it would hold the query string. */
function answering(run: EntryPoint): EntryPoint {
  return (argument) => {
    const [ok, failure] = pcall(run, argument);
    if (ok) return;
    if (ngx.get_phase() === "init_worker") error(failure, 0);
    logFailedRequest(requestId(), `runtime error: ${tostring(failure)}`);
    ngx.exit(ngx.HTTP_INTERNAL_SERVER_ERROR);
  };
}
