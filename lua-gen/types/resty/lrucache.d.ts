/**
 * A cache of Lua values, one for each worker, in module-level state. The values aren't copied. `resty.lrucache` is
 * the faster one for hits; `resty.lrucache.pureffi` for many inserts and many different keys.
 *
 * @noResolution
 * @phases any
 * @noSelf
 */
declare module "resty.lrucache" {
  export interface LruCache<V, K = string> {
    /**
     * An expired item is `undefined`, its stale value, its flags; a missing one `undefined, undefined`. Either way
     * the first value decides.
     */
    get(key: K): LuaMultiReturn<[value: V | undefined, stale: V | undefined, flags: number | undefined]>;
    /** For ever without a time; below a millisecond it is rounded to 0. Evicts the least recently used. */
    set(key: K, value: V, ttlSeconds?: number, flags?: number): void;
    delete(key: K): void;
    /** Expired ones counted. */
    count(): number;
    capacity(): number;
    /** The most recently used first; at most `max`, 0 or none for all. */
    get_keys(max?: number, into?: K[]): K[];
    flush_all(): void;
  }
  /** @phases any */
  function create<V, K = string>(
    itemsMax: number,
  ): LuaMultiReturn<[LruCache<V, K>, undefined] | [undefined, string]>;

  export { create as new };
}

/**
 * @noResolution
 * @noSelf
 * @phases any
 */
declare module "resty.lrucache.pureffi" {
  import type { LruCache } from "resty.lrucache";

  function create<V, K = string>(
    itemsMax: number,
    loadFactor?: number,
  ): LuaMultiReturn<[LruCache<V, K>, undefined] | [undefined, string]>;

  export { create as new };
}
