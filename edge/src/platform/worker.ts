import { wrap } from "lua-gen.traceback";
import { logFailedRequest } from "./log.ts";
import { requestId } from "./request.ts";

export function isFirstWorker(): boolean {
  return ngx.worker.id() === 0;
}

/** Workers are forked from one process and would all draw the same numbers. */
export function seedRandom(): void {
  math.randomseed(ngx.now() * 1000 + ngx.worker.pid());
}

/**
 * Makes the phases' entry points reachable from `nginx.conf` without a `require` for each request. Their errors go
 * into the error log with TypeScript positions.
 */
export function publish(
  name: string,
  entryPoints: Record<string, (this: void, argument: number) => void>,
): void {
  const traced = new LuaTable<string, (this: void, argument: number) => void>();
  for (const [entry, run] of pairs(entryPoints)) traced.set(entry, answering(wrap(run)));
  (_G as unknown as Record<string, object>)[name] = traced;
}

/** An error becomes a 500 here and not in nginx, whose line about it would hold the query string. */
function answering(run: (this: void, argument: number) => void): (this: void, argument: number) => void {
  return (argument) => {
    const [ok, failure] = pcall(run, argument);
    if (ok) return;
    if (ngx.get_phase() === "init_worker") error(failure, 0);
    logFailedRequest(requestId(), `runtime error: ${tostring(failure)}`);
    ngx.exit(ngx.HTTP_INTERNAL_SERVER_ERROR);
  };
}
