import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pollUntil } from "../testing/nginx.ts";
import { watchFiles } from "./watch-files.ts";

test("a save through a temporary file is a change of that one source, and folders count, old and new", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const source = join(dir, "hello.ts");
  const old = join(dir, "old");
  mkdirSync(old);
  for (const file of [source, join(old, "a.ts")]) writeFileSync(file, "");
  const seen = new Set<string>();
  const files = watchFiles((paths) => {
    for (const path of paths) seen.add(path);
  });
  t.after(files.close);
  files.follow([source, join(old, "a.ts")]);
  const sees = (path: string) =>
    pollUntil(
      async () => seen.has(path),
      () => `not noticed: ${path}; but ${[...seen]}`,
    );

  // As `sed -i` and many an editor do it.
  writeFileSync(join(dir, "sedA1b2C3"), "x");
  renameSync(join(dir, "sedA1b2C3"), source);
  await sees(source);
  assert.deepEqual([...seen], [source]);

  mkdirSync(join(dir, "new"));
  await sees(join(dir, "new"));
  rmSync(old, { recursive: true });
  await sees(old);
});
