/**
 * LuaJIT's string buffers: https://luajit.org/ext_buffer.html. Not in LuaJIT before the summer of 2021.
 *
 * @noResolution
 * @noSelf
 */
declare module "string.buffer" {
  export interface Buffer {
    /** Appends; numbers as their text. */
    put(...parts: (string | number | Buffer)[]): Buffer;
    putf(format: string, ...args: unknown[]): Buffer;
    /** Takes out so many bytes each, or all that is left. */
    get(...lengthsBytes: (number | undefined)[]): LuaMultiReturn<[string, ...string[]]>;
    set(text: string): Buffer;
    skip(lengthBytes: number): Buffer;
    /** Keeps the memory. */
    reset(): Buffer;
    /** Gives the memory back. */
    free(): void;
    /** The content, and leaves it in place. */
    tostring(): string;
    encode(value: unknown): Buffer;
    decode(): unknown;
  }
  function create(sizeBytes?: number): Buffer;

  export { create as new };
  /** LuaJIT's own binary format: only ever decode what you encoded. */
  export function encode(value: unknown): string;
  /** Throws on what isn't such data. */
  export function decode(data: string): unknown;
}
