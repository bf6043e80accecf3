import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startNginx } from "../testing/nginx.ts";
import { printArgument } from "./statement.ts";

test("an argument is quoted only where nginx would cut it", () => {
  assert.equal(printArgument("$host:8080"), "$host:8080");
  assert.equal(printArgument(""), '""');
  assert.equal(printArgument("^/a/\\d{3}$"), '"^/a/\\d{3}$"');
  assert.equal(printArgument('{"a": 1}'), "'{\"a\": 1}'");
  assert.throws(() => printArgument("a\0"), TypeError);
});

test("nginx reads back exactly what was printed", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const texts = [
    "",
    "a b",
    'say "x"',
    "it's",
    `both ' and "`,
    "back\\slash",
    "end\\",
    "\\\\d",
    '\\"',
    "a;b{c}#d",
    "\\n",
  ];
  const nginx = await startNginx({
    dir,
    luaDir: dir,
    http: {},
    locations: texts.map((body, index) => ({
      match: { exact: `/${index}` },
      handler: { return: { status: 200, body } },
    })),
  });
  try {
    const answers = await Promise.all(
      texts.map(async (_, index) => (await fetch(`${nginx.url}/${index}`)).text()),
    );
    assert.deepEqual(answers, texts);
  } finally {
    await nginx.close();
  }
});
