/** All but `update_time` read nginx's cached clock, which stands still while Lua code runs. @noSelf */
declare namespace ngx {
  /** Unix time in whole seconds. @phases any */
  function time(): number;
  /** Unix time in seconds, with milliseconds. @phases any */
  function now(): number;
  /** Reads the system's clock into the cache: a system call. @phases any */
  function update_time(): void;
  /** `yyyy-mm-dd`, local. @phases any */
  function today(): string;
  /** `yyyy-mm-dd hh:mm:ss`, local. @phases any */
  function localtime(): string;
  /** `yyyy-mm-dd hh:mm:ss`, UTC. @phases any */
  function utctime(): string;
  /** `Thu, 18-Nov-10 11:27:35 GMT`. @phases any */
  function cookie_time(unixSeconds: number): string;
  /** `Thu, 18 Nov 2010 11:27:35 GMT`. @phases any */
  function http_time(unixSeconds: number): string;
  /** The inverse of {@link http_time}. @phases any */
  function parse_http_time(text: string): number | undefined;
}
