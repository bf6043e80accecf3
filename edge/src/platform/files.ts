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
