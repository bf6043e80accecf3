/**
 * Flat arrays of numbers, counted from 0, in both runtimes: typed arrays in JavaScript, memory of C in Lua. LuaJIT's
 * collector neither walks nor counts that memory, so a million entries cost it nothing; it only frees it. Small ones
 * are its own: it would see no reason to collect the tables of a thousand policies that came and went.
 */
export interface FlatArray {
  [index: number]: number;
}

export type FlatType = "uint8" | "uint16" | "uint32" | "double";

/** All zero. Running out of memory is an error. */
export function allocateFlat(kind: FlatType, count: number): FlatArray {
  return typeof jit === "undefined" ? typedArray(kind, count) : memoryOfC(kind, count);
}

/** The same memory as words of 32 bits, two for each double. Good for as long as `doubles` is held. */
export function wordsOf(doubles: FlatArray): FlatArray {
  if (typeof jit === "undefined") return new Uint32Array((doubles as Float64Array).buffer);
  return (ffi as ForeignFunctions).cast(POINTERS.uint32, doubles);
}

/** What of LuaJIT's `ffi` is needed; its own declarations are not there for JavaScript. */
interface ForeignFunctions {
  cdef(this: void, declarations: string): void;
  cast(this: void, declaration: string, pointer: unknown): FlatArray;
  gc(this: void, pointer: FlatArray, finalizer: unknown): FlatArray;
  new: (this: void, declaration: string, count: number) => FlatArray;
  C: CLibrary;
}

interface CLibrary {
  calloc(this: void, count: number, bytes: number): FlatArray;
  free: unknown;
}

declare const jit: object | undefined;
declare function require(this: void, module: string): ForeignFunctions;
declare function setmetatable<Table>(this: void, table: Table, meta: { __mode: string }): Table;
declare function error(this: void, message: string): never;

/** By a name that is no literal: nobody must look for it among the compiled modules. */
const FFI = "ffi";
/** @perWorker */
let ffi: ForeignFunctions | undefined;

const BYTES = { uint8: 1, uint16: 2, uint32: 4, double: 8 };
const POINTERS = { uint8: "uint8_t *", uint16: "uint16_t *", uint32: "uint32_t *", double: "double *" };

const COUNTED_BYTES_MAX = 16_384;

/** What a pointer points into, for as long as the pointer is there. @perWorker */
let owners: Record<string, FlatArray> | undefined;

function memoryOfC(kind: FlatType, count: number): FlatArray {
  if (ffi === undefined) {
    ffi = require(FFI);
    owners = setmetatable({}, { __mode: "k" });
    ffi.cdef("void *calloc(size_t, size_t); void free(void *);");
  }
  if (count * BYTES[kind] <= COUNTED_BYTES_MAX) {
    const owner = ffi.new("double[?]", Math.ceil((count * BYTES[kind]) / 8));
    // Always a pointer: LuaJIT would compile each lookup once more for arrays.
    const pointer = ffi.cast(POINTERS[kind], owner);
    (owners as Record<string, FlatArray>)[pointer as unknown as string] = owner;
    return pointer;
  }
  const memory = ffi.cast(POINTERS[kind], ffi.C.calloc(count, BYTES[kind]));
  // NULL equals nil.
  if ((memory as FlatArray | undefined) === undefined) error("out of memory");
  return ffi.gc(memory, ffi.C.free);
}

function typedArray(kind: FlatType, count: number): FlatArray {
  switch (kind) {
    case "uint8":
      return new Uint8Array(count);
    case "uint16":
      return new Uint16Array(count);
    case "uint32":
      return new Uint32Array(count);
    default:
      return new Float64Array(count);
  }
}
