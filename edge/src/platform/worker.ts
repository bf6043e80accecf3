import { wrap } from "lua-gen.traceback";

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
  for (const [entry, run] of pairs(entryPoints)) traced.set(entry, wrap(run));
  (_G as unknown as Record<string, object>)[name] = traced;
}
