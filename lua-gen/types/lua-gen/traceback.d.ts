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
  /** Calls `run` at once. */
  export function call<A extends unknown[], R>(run: (this: void, ...args: A) => R, ...args: A): R;
}
