// lua-resty-string (Debian: lua-nginx-string; the names lead there as for redis). Their manuals write `sha256:new()`,
// but `new` ignores its `self`, so a plain call does.

/**
 * @noResolution
 * @noSelf
 * @phases any
 */
declare module "resty.string" {
  export function to_hex(data: string): string;
  /** -1 for what isn't digits. */
  export function atoi(text: string): number;
}

/**
 * @noResolution
 * @noSelf
 * @phases any
 */
declare module "resty.sha256" {
  export interface Hash {
    /** `false` when OpenSSL refuses. */
    update(data: string): boolean;
    /** The raw digest. `reset` before using it again. */
    final(): string | undefined;
    reset(): boolean;
  }
  function create(): Hash | undefined;

  export { create as new };
}

/**
 * @noResolution
 * @noSelf
 * @phases any
 */
declare module "resty.sha1" {
  import type { Hash } from "resty.sha256";

  function create(): Hash | undefined;

  export { create as new };
}

/**
 * @noResolution
 * @noSelf
 * @phases any
 */
declare module "resty.sha512" {
  import type { Hash } from "resty.sha256";

  function create(): Hash | undefined;

  export { create as new };
}

/**
 * @noResolution
 * @noSelf
 * @phases any
 */
declare module "resty.md5" {
  import type { Hash } from "resty.sha256";

  function create(): Hash | undefined;

  export { create as new };
}

/**
 * @noResolution
 * @noSelf
 * @phases any
 */
declare module "resty.random" {
  /** `strong` asks the system's source, and fails with `undefined` when it runs dry. */
  export function bytes(length: number, strong?: boolean): string | undefined;
}
