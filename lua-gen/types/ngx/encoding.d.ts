/** @noSelf */
declare namespace ngx {
  /** Type 2, the default, escapes as a URI component; 0 as a whole URI. @phases any */
  function escape_uri(text: string, type?: 0 | 2): string;
  /** A malformed escape stays as it is. @phases any */
  function unescape_uri(text: string): string;
  /**
   * Lists repeat the name; `true` gives a name without a value. Throws on other values.
   *
   * @phases any -init -init_worker -exit_worker
   */
  function encode_args(args: object): string;
  /** At most `max` (default 100, 0 for all); "truncated" when there were more. @phases any -init -init_worker -exit_worker */
  function decode_args(
    text: string,
    max?: number,
  ): LuaMultiReturn<[ngx.req.Args, "truncated" | undefined] | [undefined, string]>;
  /** @phases any -init -init_worker -exit_worker */
  function encode_base64(data: string, noPadding?: boolean): string;
  /** `undefined` for what isn't base64. For base64url see `ngx.base64`. @phases any -init -init_worker -exit_worker */
  function decode_base64(text: string): string | undefined;
  /** Ignores characters outside the alphabet, as MIME says. @phases any -init -init_worker -exit_worker */
  function decode_base64mime(text: string): string | undefined;
  /** Fast for less than about 60 bytes. @phases any -init -init_worker -exit_worker */
  function crc32_short(data: string): number;
  /** The same sum, fast for longer data. @phases any -init -init_worker -exit_worker */
  function crc32_long(data: string): number;
  /** 20 bytes. @phases any -init -init_worker -exit_worker */
  function hmac_sha1(key: string, data: string): string;
  /** 32 hexadecimal digits. @phases any -init -init_worker -exit_worker */
  function md5(data: string): string;
  /** 16 bytes. @phases any -init -init_worker -exit_worker */
  function md5_bin(data: string): string;
  /** 20 bytes. @phases any -init -init_worker -exit_worker */
  function sha1_bin(data: string): string;
  /** With the quotes. @phases any -init -init_worker -exit_worker */
  function quote_sql_str(text: string): string;
}
