/**
 * lua-gen's own: errors with TypeScript positions in nginx's error log. nginx.conf does it for handlers that are given
 * as module and entry (`tracebacks: true`); this is for entry points that are reached another way.
 *
 * @noResolution
 * @phases any
 * @noSelf
 */
declare module "lua-gen.traceback" {
  /** A function like `run` whose errors have TypeScript positions and go on. While there are none it costs nothing. */
  export function wrap<A extends unknown[], R>(
    run: (this: void, ...args: A) => R,
  ): (this: void, ...args: A) => R;
  /**
   * From now on `debug.traceback` gives TypeScript positions. nginx asks it about errors of the phases that have no
   * coroutine (`set`, filters, `log`, `init`), so their handlers need no wrapper, and LuaJIT finds no `pcall` in its
   * way. `report` is told each text, in the phase where the error is. Call it in `init`, once.
   */
  export function hook(report?: (this: void, text: string) => void): void;
  /** Calls `run` at once. */
  export function call<A extends unknown[], R>(run: (this: void, ...args: A) => R, ...args: A): R;
}
