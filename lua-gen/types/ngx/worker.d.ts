/** @noSelf */
declare namespace ngx.worker {
  /** Whether this worker is about to end: long loops ask. @phases any */
  function exiting(): boolean;
  /** @phases any */
  function pid(): number;
  /** Of all workers. @phases any -init -init_worker */
  function pids(): LuaMultiReturn<[number[], undefined] | [undefined, string]>;
  /** @phases any */
  function count(): number;
  /** From 0; `undefined` in processes that aren't workers (the privileged agent, cache helpers). @phases any -init */
  function id(): number | undefined;
}

/** How this nginx was built and started. @noSelf */
declare namespace ngx.config {
  const subsystem: "http" | "stream";
  const debug: boolean;
  /** With a slash at its end. @phases any */
  function prefix(): string;
  /** 1,022,001 for 1.22.1. */
  const nginx_version: number;
  /** 10,023 for 0.10.23. */
  const ngx_lua_version: number;
  /** The arguments of its `configure`. @phases any -balancer -ssl -exit_worker */
  function nginx_configure(): string;
}
