/** @noResolution @noSelf */
declare module "ngx.base64" {
  /** Without padding. Throws nothing: `nil, error` for what isn't a string. @phases any */
  export function encode_base64url(data: string): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** `nil, error` for what isn't base64url. Unpadded and padded input both decode. @phases any */
  export function decode_base64url(text: string): LuaMultiReturn<[string, undefined] | [undefined, string]>;
}

/** @noResolution @noSelf */
declare module "ngx.process" {
  type ProcessType = "master" | "worker" | "single" | "signaller" | "helper" | "privileged agent";
  /** @phases any */
  function kind(): ProcessType;

  export { kind as type };
  /** One process more, with the master's rights, that only runs init_worker. @phases init */
  export function enable_privileged_agent(
    connections?: number,
  ): LuaMultiReturn<[true, undefined] | [undefined, string]>;
  /** @phases any */
  export function signal_graceful_exit(): void;
  /** @phases any */
  export function get_master_pid(): number | undefined;
}

/** @noResolution @noSelf */
declare module "ngx.errlog" {
  /** Needs `lua_capture_error_log`. @phases init */
  export function set_filter_level(
    level: ngx.LogLevel,
  ): LuaMultiReturn<[boolean, undefined] | [undefined, string]>;
  /** A flat list: level, Unix time, message, and again. Takes them out of the buffer. @phases any */
  export function get_logs(
    max?: number,
    into?: (number | string)[],
  ): LuaMultiReturn<[(number | string)[], undefined] | [undefined, string]>;
  /** The level of the `error_log` directive. @phases any */
  export function get_sys_filter_level(): ngx.LogLevel;
  /** One line with nothing of Lua's added. @phases any */
  export function raw_log(level: ngx.LogLevel, message: string): void;
}

/** @noResolution @noSelf */
declare module "ngx.re" {
  /** @phases any -init */
  export function split(
    subject: string,
    regex: string,
    options?: string,
    context?: ngx.re.MatchContext,
    max?: number,
    into?: string[],
  ): LuaMultiReturn<[string[], undefined] | [undefined, string]>;
  /** @phases any */
  export function opt(option: "jit_stack_size", bytes: number): void;
}

/** @noResolution @noSelf */
declare module "ngx.resp" {
  /** Appends instead of replacing. @phases handler +header_filter */
  export function add_header(name: string, value: string | readonly string[]): void;
  /** `ngx.status`, with a reason phrase of your own. Newer than Debian's. @phases handler +header_filter */
  export function set_status(status: number, reason?: string): void;
  /** Answers as if there were no `If-Match`, `If-None-Match` and the like. Newer than Debian's. @phases handler +header_filter */
  export function bypass_if_checks(): void;
}

/** @noResolution @noSelf */
declare module "ngx.req" {
  /** Appends instead of replacing. @phases set handler +header_filter +body_filter */
  export function add_header(name: string, value: string | readonly string[]): void;
}

/** Replaces parts of the API by faster FFI versions. nginx loads it by itself from 0.10.16 on. @noResolution @noSelf */
declare module "resty.core" {
  export const version: string;
}

/** nginx's monotonic clock, cached like `ngx.now`. @noResolution @noSelf */
declare module "resty.core.time" {
  /** Milliseconds since the machine was started. @phases any */
  export function monotonic_msec(): number;
  /** Seconds, with milliseconds. @phases any */
  export function monotonic_time(): number;
}

/** Directives of the Nginx Development Kit. @noSelf */
declare namespace ndk {
  /** `ndk.set_var.set_escape_uri(text)`: the value that a `set_…` directive of another module would compute. */
  const set_var: { readonly [directive: string]: (this: void, ...args: string[]) => string };
}
