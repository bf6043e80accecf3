/** @noSelf */
declare namespace ngx {
  /**
   * The zones that `lua_shared_dict` declares, shared by all workers. Name yours by merging:
   * `declare global { namespace ngx { interface SharedZones { sessions: shared.Dict } } }`.
   */
  interface SharedZones {
    [zone: string]: ngx.shared.Dict | undefined;
  }
  const shared: SharedZones;
}

declare namespace ngx.shared {
  type Value = string | number | boolean;
  type SetResult = LuaMultiReturn<[success: boolean, err: string | undefined, forcible: boolean]>;
  type ListResult = LuaMultiReturn<[length: number, err: undefined] | [undefined, string]>;

  /**
   * One zone. Every operation takes the zone's one mutex, reads included. `forcible` says that items which had not
   * expired were thrown out to make room: for data that must not vanish use the `safe_` methods, which fail with
   * "no memory" instead. `exptimeSeconds` of 0, the default, means for ever. Keys are not empty and at most
   * 65,535 bytes.
   *
   * @phases any
   */
  interface Dict {
    /** `nil, nil` when absent or expired; `nil, error` when the zone can't be read. `flags` is 0 by default, then `nil`. */
    get(key: string): LuaMultiReturn<[Value | undefined, flags: number | undefined] | [undefined, string]>;
    /** Expired items too; the third value says so. Nothing is removed. */
    get_stale(
      key: string,
    ): LuaMultiReturn<[value: Value | undefined, flags: number | undefined, stale: boolean | undefined]>;
    /** `undefined` for the value deletes. */
    set(key: string, value: Value | undefined, exptimeSeconds?: number, flags?: number): SetResult;
    safe_set(
      key: string,
      value: Value | undefined,
      exptimeSeconds?: number,
      flags?: number,
    ): LuaMultiReturn<[true, undefined] | [boolean | undefined, string]>;
    /** Fails with "exists" when the key is there and hasn't expired. */
    add(key: string, value: Value, exptimeSeconds?: number, flags?: number): SetResult;
    safe_add(
      key: string,
      value: Value,
      exptimeSeconds?: number,
      flags?: number,
    ): LuaMultiReturn<[true, undefined] | [boolean | undefined, string]>;
    /** Fails with "not found" when the key isn't there. */
    replace(key: string, value: Value, exptimeSeconds?: number, flags?: number): SetResult;
    delete(key: string): void;
    /** Without `init`, an absent key is `nil, "not found"`; a value that isn't a number `nil, "not a number"`. */
    incr(
      key: string,
      by: number,
      init?: number,
      initTtlSeconds?: number,
    ): LuaMultiReturn<
      [value: number, err: undefined, forcible: boolean | undefined] | [undefined, string, undefined]
    >;
    lpush(key: string, value: string | number): ListResult;
    rpush(key: string, value: string | number): ListResult;
    lpop(key: string): LuaMultiReturn<[string | number | undefined, string | undefined]>;
    rpop(key: string): LuaMultiReturn<[string | number | undefined, string | undefined]>;
    /** 0 when the key isn't there; `nil, "value not a list"`. */
    llen(key: string): ListResult;
    /** Seconds left; 0 for a key that never expires. `nil, "not found"`. */
    ttl(key: string): LuaMultiReturn<[number, undefined] | [undefined, string]>;
    /** `nil, "not found"` when the key isn't there. */
    expire(key: string, exptimeSeconds: number): LuaMultiReturn<[true, undefined] | [undefined, string]>;
    /** Marks everything as expired; frees no memory. */
    flush_all(): void;
    /** Frees expired items, all of them unless `max` is given; returns how many. Holds the lock meanwhile. */
    flush_expired(max?: number): number;
    /** At most `max` keys (default 1,024, 0 for all). Holds the lock meanwhile. */
    get_keys(max?: number): string[];
    capacity(): number;
    /** Whole free pages only: 0 doesn't mean that `set` must evict. */
    free_space(): number;
  }
}
