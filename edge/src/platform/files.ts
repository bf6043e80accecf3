import * as ffi from "ffi";

ffi.cdef(`
  size_t fwrite(const void *from, size_t size, size_t count, void *file);
  size_t fread(void *to, size_t size, size_t count, void *file);
`);

/** Reads a whole file. For start-up only: it blocks. */
export function readFile(path: string): LuaMultiReturn<[string, undefined] | [undefined, string]> {
  const [file, err] = io.open(path, "rb");
  if (file === undefined) return $multi(undefined, err as string);
  const text = file.read("*a");
  file.close();
  if (text === undefined) return $multi(undefined, `${path}: cannot be read`);
  return $multi(text as string, undefined);
}

/** From the kernel. For start-up only: a request has no use for so much chance. */
export function randomBytes(count: number): string {
  const [file, err] = io.open("/dev/urandom", "rb");
  if (file === undefined) error(err);
  const bytes = file.read(count);
  file.close();
  return bytes as string;
}

/** For lines that are added one after the other; `undefined` when it can't be written. */
export function openToAppend(path: string): LuaFile | undefined {
  const [file] = io.open(path, "ab");
  return file;
}

/** The same, of a file that begins empty. */
export function openEmpty(path: string): LuaFile | undefined {
  const [file] = io.open(path, "wb");
  return file;
}

/** Writes memory as it is. Returns whether it could. */
export function writeBytes(file: LuaFile, from: ffi.Pointer<number>, bytes: number): boolean {
  return tonumber(ffi.C.fwrite(from, 1, bytes, file)) === bytes;
}

/** Fills memory from the file. Returns whether there was so much. */
export function readBytes(file: LuaFile, to: ffi.Pointer<number>, bytes: number): boolean {
  return tonumber(ffi.C.fread(to, 1, bytes, file)) === bytes;
}

declare module "ffi" {
  interface CLibrary {
    fwrite(this: void, from: ffi.Pointer<number>, size: number, count: number, file: LuaFile): ffi.CData;
    fread(this: void, to: ffi.Pointer<number>, size: number, count: number, file: LuaFile): ffi.CData;
  }
}
