/**
 * The Redis client (lua-resty-redis; Debian's lua-nginx-redis is its 0.27). Import it as "resty.redis" everywhere:
 * the Lua path that lua-gen prints for Debian leads that name to `nginx.redis`.
 *
 * A client belongs to the request or timer that made it. Every command gives `reply`, or `nil, error` when the
 * connection failed (a timeout closes it), or `false, error` when Redis refused. In replies a nil is
 * {@link ngx.null}.
 *
 * @noResolution
 * @noSelf
 */
declare module "resty.redis" {
  type Argument = string | number;
  export type Reply = string | number | ngx.Null | Reply[];
  /** In a pipeline an error reply is a list of `false` and its message. */
  export type PipelinedReply = Reply | [false, string];
  type Result<T extends Reply> = LuaMultiReturn<[T, undefined] | [undefined | false, string]>;
  type Done = LuaMultiReturn<[1, undefined] | [undefined, string]>;

  interface ConnectOptions extends ngx.socket.ConnectOptions {
    ssl?: boolean;
    ssl_verify?: boolean;
    server_name?: string;
  }

  /** @phases yield */
  export interface Redis {
    /** One timeout for connecting, sending and reading; `set_timeouts` isn't in 0.27. */
    set_timeout(ms: number): void;
    connect(host: string, port: number, options?: ConnectOptions): Done;
    connect(unixPath: `unix:${string}`, options?: ConnectOptions): Done;
    /** Into the pool; refused after subscribing. The client is closed for its owner. */
    set_keepalive(idleMs: number, poolSize: number): Done;
    get_reused_times(): LuaMultiReturn<[number, undefined] | [undefined, string]>;
    close(): Done;

    /** From here commands are only collected, and return nothing of use, until {@link commit_pipeline}. */
    init_pipeline(commands?: number): void;
    cancel_pipeline(): void;
    commit_pipeline(): LuaMultiReturn<[PipelinedReply[], undefined] | [undefined, string]>;

    /** For subscribers, and for commands sent with long polling. */
    read_reply(): Result<Reply>;
    array_to_hash(list: string[]): LuaTable<string, string>;

    auth(password: string): Result<"OK">;
    auth(user: string, password: string): Result<"OK">;
    select(database: number): Result<"OK">;
    ping(): Result<"PONG">;
    time(): Result<[string, string]>;

    get(key: string): Result<string | ngx.Null>;
    set(key: string, value: Argument, ...options: Argument[]): Result<string | ngx.Null>;
    /** Bytes, both ends included; empty behind the end of the text. */
    getrange(key: string, from: number, to: number): Result<string>;
    mset(key: string, value: Argument, ...more: Argument[]): Result<"OK">;
    mget(...keys: string[]): Result<(string | ngx.Null)[]>;
    del(...keys: string[]): Result<number>;
    exists(...keys: string[]): Result<number>;
    expire(key: string, seconds: number): Result<number>;
    pexpire(key: string, ms: number): Result<number>;
    pttl(key: string): Result<number>;
    incr(key: string): Result<number>;
    incrby(key: string, by: number): Result<number>;
    decr(key: string): Result<number>;
    sort(key: string, ...options: Argument[]): Result<Reply>;

    llen(key: string): Result<number>;
    lindex(key: string, index: number): Result<string | ngx.Null>;
    linsert(key: string, where: "before" | "after", pivot: Argument, value: Argument): Result<number>;
    lrange(key: string, from: number, to: number): Result<string[]>;
    lpush(key: string, ...values: Argument[]): Result<number>;
    rpush(key: string, ...values: Argument[]): Result<number>;
    lpop(key: string): Result<string | ngx.Null>;
    rpop(key: string): Result<string | ngx.Null>;

    hget(key: string, field: string): Result<string | ngx.Null>;
    hmget(key: string, ...fields: string[]): Result<(string | ngx.Null)[]>;
    /** Field, value, and again; {@link array_to_hash} makes a table of it. */
    hgetall(key: string): Result<string[]>;
    hset(key: string, field: string, value: Argument, ...more: Argument[]): Result<number>;
    /** A table of fields and values, or both in turn. */
    hmset(key: string, fields: LuaTable<string, Argument>): Result<"OK">;
    hmset(key: string, field: string, value: Argument, ...more: Argument[]): Result<"OK">;
    hexists(key: string, field: string): Result<number>;
    hdel(key: string, ...fields: string[]): Result<number>;
    hlen(key: string): Result<number>;
    hscan(key: string, cursor: string, ...options: Argument[]): Result<[cursor: string, pairs: string[]]>;

    sadd(key: string, ...members: Argument[]): Result<number>;
    srem(key: string, ...members: Argument[]): Result<number>;
    sdiff(...keys: string[]): Result<string[]>;
    sinter(...keys: string[]): Result<string[]>;
    sunion(...keys: string[]): Result<string[]>;
    sismember(key: string, member: Argument): Result<number>;
    smembers(key: string): Result<string[]>;
    zadd(key: string, score: number, member: Argument, ...more: Argument[]): Result<number>;
    zincrby(key: string, by: number, member: Argument): Result<string>;
    zrange(key: string, from: Argument, to: Argument, ...options: Argument[]): Result<string[]>;
    zrank(key: string, member: Argument): Result<number | ngx.Null>;
    zrem(key: string, ...members: Argument[]): Result<number>;
    zrangebyscore(key: string, min: Argument, max: Argument, ...options: Argument[]): Result<string[]>;

    eval(script: string, keyCount: number, ...keysAndArgs: Argument[]): Result<Reply>;
    evalsha(sha1: string, keyCount: number, ...keysAndArgs: Argument[]): Result<Reply>;
    script(command: "load", script: string): Result<string>;

    xadd(key: string, ...args: Argument[]): Result<string | ngx.Null>;
    /** `ngx.null` when BLOCK ran out: that says nothing about what was missed. */
    xread(...args: Argument[]): Result<[stream: string, entries: StreamEntry[]][] | ngx.Null>;
    xrange(key: string, from: string, to: string, ...options: Argument[]): Result<StreamEntry[]>;
    xrevrange(key: string, to: string, from: string, ...options: Argument[]): Result<StreamEntry[]>;
    xlen(key: string): Result<number>;
    /** Name, value, and again. */
    xinfo(command: "stream", key: string): Result<Reply[]>;

    subscribe(...channels: string[]): Result<Reply>;
    unsubscribe(...channels: string[]): Result<Reply>;
    psubscribe(...patterns: string[]): Result<Reply>;
    punsubscribe(...patterns: string[]): Result<Reply>;
    publish(channel: string, message: string): Result<number>;
  }

  /** `fields` is name, value, and again. */
  export type StreamEntry = [id: string, fields: string[]];

  /** Fails only where there are no sockets. @phases yield */
  function create(): LuaMultiReturn<[Redis, undefined] | [undefined, string]>;

  export { create as new };
}
