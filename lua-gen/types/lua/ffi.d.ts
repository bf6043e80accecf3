/**
 * LuaJIT's foreign functions: https://luajit.org/ext_ffi_api.html
 *
 * C functions are declared twice: to LuaJIT with `cdef`, to TypeScript by an interface that {@link load} or
 * {@link CLibrary} takes on:
 *
 * ```ts
 * import * as ffi from "ffi";
 * ffi.cdef("int getpid(void);");
 * declare module "ffi" {
 *   interface CLibrary { getpid(this: void): number }
 * }
 * const pid = ffi.C.getpid();
 * ```
 *
 * A NULL pointer equals `undefined` (`==` nil) but is truthy: compare, never test. Calls that pass or return
 * structs by value, and callbacks, are not compiled. Arrays count from 0, as in C.
 *
 * @noResolution
 * @noSelf
 */
declare module "ffi" {
  /** Any cdata. */
  interface CData {
    readonly __cdata: never;
  }
  /** `T*`; index 0 is what it points to. */
  interface Pointer<T = unknown> extends CData {
    [index: number]: T;
  }
  /** `uint8_t*`, `char*`, `uint8_t[n]`. */
  type Bytes = Pointer<number>;
  /** `int64_t` or `uint64_t`: boxed; `tonumber` makes it a number, exact up to 2^53. */
  interface Int64 extends CData {
    readonly __int64: never;
  }
  interface CType<T> {
    readonly __ctype: T;
  }
  type TypeOf<T> = CType<T> | string;

  /** The symbols of the process and its libraries; merge the functions that you declared with `cdef`. */
  interface CLibrary {}
  const C: CLibrary;

  /** Throws on a syntax error, and when a name is declared again differently. */
  function cdef(declarations: string): void;
  /** Throws when the library isn't found. `name` "crypto" means libcrypto.so. */
  function load<T = CLibrary>(name: string, global?: boolean): T;

  /** For `T[?]` the first argument is the count. Memory is zeroed, and freed by the garbage collector. */
  function allocate<T = Pointer>(type: TypeOf<T>, ...initial: unknown[]): T;
  /** Parse a type once, outside hot code. */
  function typeOf<T = Pointer>(type: TypeOf<T>, ...params: unknown[]): CType<T>;
  /** Keeps nothing alive: the source must outlive the result. */
  function cast<T = Pointer>(type: TypeOf<T>, value: unknown): T;
  function metatype<T>(type: TypeOf<T>, metatable: object): CType<T>;
  /** Calls `finalizer` when the cdata is collected; `undefined` takes it off. */
  function gc<T extends CData>(data: T, finalizer: ((this: void, data: T) => void) | undefined): T;
  function sizeof(type: TypeOf<unknown> | CData, count?: number): number;
  function alignof(type: TypeOf<unknown> | CData): number;
  function offsetof(type: TypeOf<unknown>, field: string): number;
  function istype(type: TypeOf<unknown>, value: unknown): boolean;
  /** The C `errno`; sets it when given. */
  function errno(value?: number): number;
  /** Copies out a Lua string, up to the first zero byte unless a length is given. */
  function string(data: CData, lengthBytes?: number): string;
  /** Without a length `source` is a Lua string, and its zero byte is copied too. */
  function copy(target: CData, source: CData | string, lengthBytes?: number): void;
  function fill(target: CData, lengthBytes: number, byte?: number): void;
  function abi(
    property: "32bit" | "64bit" | "le" | "be" | "fpu" | "softfp" | "hardfp" | "eabi" | "win" | "gc64",
  ): boolean;
  const os: typeof jit.os;
  const arch: typeof jit.arch;

  export type { Bytes, CData, CLibrary, CType, Int64, Pointer };
  // Under their own names these are reserved words in a declaration.
  export {
    abi,
    alignof,
    allocate as new,
    arch,
    C,
    cast,
    cdef,
    copy,
    errno,
    fill,
    gc,
    istype,
    load,
    metatype,
    offsetof,
    os,
    sizeof,
    string,
    typeOf as typeof,
  };
}
