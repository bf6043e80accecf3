/** Reads a whole file. For start-up only: it blocks. */
export function readFile(path: string): LuaMultiReturn<[string, undefined] | [undefined, string]> {
  const [file, err] = io.open(path, "rb");
  if (file === undefined) return $multi(undefined, err as string);
  const text = file.read("*a");
  file.close();
  if (text === undefined) return $multi(undefined, `${path}: cannot be read`);
  return $multi(text as string, undefined);
}
