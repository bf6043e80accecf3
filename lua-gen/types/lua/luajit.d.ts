/**
 * Bit operations on 32 bits. Arguments of any size are reduced to 32 bits; **results are signed**: an IPv4 address
 * from 128.0.0.0 up comes out negative. Compare results only with results, or add 2^32 to what is below 0.
 *
 * A module, because TypeScriptToLua keeps the global name for itself: `a & b` becomes `bit.band(a, b)`.
 *
 * @noResolution
 * @noSelf
 */
declare module "bit" {
  export function tobit(x: number): number;
  /** `digits` hexadecimal digits, 8 unless given; negative for upper case. */
  export function tohex(x: number, digits?: number): string;
  export function bnot(x: number): number;
  export function bor(x: number, ...more: number[]): number;
  export function band(x: number, ...more: number[]): number;
  export function bxor(x: number, ...more: number[]): number;
  export function lshift(x: number, bits: number): number;
  /** Shifts in zeros, yet `rshift(x, 0)` of a negative number is negative. */
  export function rshift(x: number, bits: number): number;
  export function arshift(x: number, bits: number): number;
  export function rol(x: number, bits: number): number;
  export function ror(x: number, bits: number): number;
  export function bswap(x: number): number;
}

/** @noSelf */
declare namespace jit {
  type Traceable = ((this: void, ...args: never[]) => unknown) | true;
  /** Without arguments for all code; with a function (or `true`, the caller) for it, and its inner ones if asked. */
  function on(target?: Traceable, recursive?: boolean): void;
  function off(target?: Traceable, recursive?: boolean): void;
  function flush(target?: Traceable | number, recursive?: boolean): void;
  /** Whether it compiles, then the CPU's features and the optimizations. */
  function status(): LuaMultiReturn<[boolean, ...string[]]>;
  const version: string;
  const version_num: number;
  const os: "Windows" | "Linux" | "OSX" | "BSD" | "POSIX" | "Other";
  const arch: "x86" | "x64" | "arm" | "arm64" | "arm64be" | "ppc" | "mips" | "mipsel" | "mips64" | "mips64el";
  namespace opt {
    /** `jit.opt.start("maxtrace=8000", "maxrecord=16000")`. */
    function start(...options: string[]): void;
  }
}

/**
 * Where something may wait these are nginx's own, which know its threads; in filters and in `init` they are Lua's.
 * Elsewhere they throw. The functions are those of lua-types.
 *
 * @phases yield +init +header_filter +body_filter
 */
declare namespace coroutine {}

/** Compiles text to a function; `nil, error` when it doesn't parse. @noSelf */
declare function loadstring(
  this: void,
  text: string,
  chunkName?: string,
): LuaMultiReturn<[(this: void, ...args: unknown[]) => unknown, undefined] | [undefined, string]>;
