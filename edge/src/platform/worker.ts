export function isFirstWorker(): boolean {
  return ngx.worker.id() === 0;
}

/** Workers are forked from one process and would all draw the same numbers. */
export function seedRandom(): void {
  math.randomseed(ngx.now() * 1000 + ngx.worker.pid());
}

/** Makes the phases' entry points reachable from `nginx.conf` without a `require` for each request. */
export function publish(name: string, entryPoints: object): void {
  (_G as unknown as Record<string, object>)[name] = entryPoints;
}
