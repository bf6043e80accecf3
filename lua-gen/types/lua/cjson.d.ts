/**
 * JSON. JSON's null becomes {@link ngx.null}, which is truthy. An empty table encodes as `{}` unless its metatable
 * is `empty_array_mt` (OpenResty's cjson only; Debian's has none).
 *
 * @noResolution
 * @noSelf
 */
declare module "cjson" {
  /** Throws on functions, threads, cdata, and sparse arrays beyond the limits. */
  export function encode(value: unknown): string;
  /** Throws on what isn't JSON. Give the type that you'll check for. */
  export function decode(text: string): unknown;
  /** An instance with settings of its own: without it they are the process's. */
  function create(): typeof import("cjson");

  export { create as new };

  const nullValue: ngx.Null;

  export { nullValue as null };

  /** Digits of a number, 14 unless set; up to 16. Money in cents beyond 10^14 needs more. */
  export function encode_number_precision(digits?: number): number;
  export function encode_max_depth(depth?: number): number;
  export function decode_max_depth(depth?: number): number;
  export function encode_keep_buffer(keep?: boolean): boolean;
  export function encode_sparse_array(
    convert?: boolean,
    ratio?: number,
    safe?: number,
  ): LuaMultiReturn<[boolean, number, number]>;
  export function encode_invalid_numbers(setting?: boolean | "null"): boolean | "null";
  export function decode_invalid_numbers(setting?: boolean): boolean;
}

/**
 * `cjson` with errors as second results instead of thrown.
 *
 * @noResolution
 * @noSelf
 */
declare module "cjson.safe" {
  export function encode(value: unknown): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** `nil, error` for what isn't JSON. JSON's `false` and `null` are values; look at the error. */
  export function decode(
    text: string,
  ): LuaMultiReturn<[value: unknown, err: undefined] | [undefined, string]>;
  export {
    decode_invalid_numbers,
    decode_max_depth,
    encode_invalid_numbers,
    encode_keep_buffer,
    encode_max_depth,
    encode_number_precision,
    encode_sparse_array,
  } from "cjson";

  function create(): typeof import("cjson.safe");

  export { create as new };

  const nullValue: ngx.Null;

  export { nullValue as null };
}
