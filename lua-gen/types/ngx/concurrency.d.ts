/** @noSelf */
declare namespace ngx {
  /** Waits without blocking the worker; milliseconds count (0.001). 0 gives way once. @phases yield */
  function sleep(seconds: number): void;

  /**
   * Calls `module.name(…args)` in a thread of nginx's pool (`thread_pool`), in a Lua of its own without the nginx API,
   * for what would block the worker. Arguments and results are copied: strings, numbers, booleans and tables of them.
   *
   * @phases handler
   */
  function run_worker_thread(
    pool: string,
    module: string,
    name: string,
    ...args: (string | number | boolean | object | undefined)[]
  ): LuaMultiReturn<[true, ...unknown[]] | [false, string]>;
}

/** @noSelf */
declare namespace ngx.timer {
  /**
   * Runs `callback(premature, …args)` once after the delay, in a context of its own: no request, no `ngx.var`.
   * `premature` says that the worker is shutting down. Fails with "too many pending timers"
   * (`lua_max_pending_timers`, 1,024) and "process exiting". A delay of 0 is the way out of phases without sockets.
   *
   * @phases init_worker request +timer +balancer +ssl +ssl_session_store +proxy_ssl
   */
  function at<A extends unknown[]>(
    delaySeconds: number,
    callback: (this: void, premature: boolean, ...args: A) => void,
    ...args: A
  ): LuaMultiReturn<[true, undefined] | [undefined, string]>;

  /** Until the worker exits; a run that takes longer than the interval overlaps the next. The delay is > 0. @phases init_worker request +timer +balancer +ssl +ssl_session_store +proxy_ssl */
  function every<A extends unknown[]>(
    delaySeconds: number,
    callback: (this: void, premature: boolean, ...args: A) => void,
    ...args: A
  ): LuaMultiReturn<[true, undefined] | [undefined, string]>;

  /** @phases init_worker request +timer +balancer +ssl +ssl_session_store +proxy_ssl +exit_worker */
  function running_count(): number;
  /** @phases init_worker request +timer +balancer +ssl +ssl_session_store +proxy_ssl +exit_worker */
  function pending_count(): number;
}

/** Light threads: they run when the others of the request wait. @noSelf */
declare namespace ngx.thread {
  interface Thread<R> {
    readonly __result: R;
  }

  /** Runs at once until it first waits. The request doesn't end before all its threads have. @phases yield */
  function spawn<A extends unknown[], R>(run: (this: void, ...args: A) => R, ...args: A): Thread<R>;

  /** Waits for the first of them to end: `true` and its results, or `false` and the error. @phases yield */
  function wait<R>(...threads: Thread<R>[]): LuaMultiReturn<[true, R] | [false, string]>;

  /** `nil, error` when it is dead already or waits for a subrequest. @phases yield */
  function kill(thread: Thread<unknown>): LuaMultiReturn<[1, undefined] | [undefined, string]>;
}
