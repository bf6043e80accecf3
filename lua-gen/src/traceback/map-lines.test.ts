import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "../build.ts";
import { startNginx } from "../testing/nginx.ts";
import { createProject } from "../testing/project.ts";
import { openMaps } from "./map-lines.ts";

const sources = {
  "phases/access.ts": `
import { check } from "../rules/check.ts";

export function access(): void {
  check(3);
}
`,
  "rules/check.ts": `
export function check(depth: number): void {
  if (depth > 1) {
    check(depth - 1);
    return;
  }

  const limits = new LuaTable<string, { max: number }>();
  ngx.log(ngx.INFO, limits.get("none").max);
}
`,
};

test("an error three calls deep in nginx is shown where it is in TypeScript", async (t) => {
  const project = createProject(sources);
  t.after(project.remove);
  assert.deepEqual(build({ project: project.dir }).faults, []);
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const nginx = await startNginx({
    dir,
    luaDir: project.outDir,
    http: {},
    locations: [
      {
        match: { exact: "/" },
        access: { module: "phases.access", entry: "access" },
        handler: { content: { code: 'ngx.say("passed")' } },
      },
    ],
  });
  let log: string;
  try {
    assert.equal((await fetch(nginx.url)).status, 500);
    log = nginx.errorLog();
  } finally {
    await nginx.close();
  }
  const shown = log.split("\n").map(openMaps(project.outDir, project.dir)).join("\n");
  assert.match(shown, /lua entry thread aborted: runtime error: src\/rules\/check\.ts:9:3: attempt to index/);
  assert.match(shown, /\n\s+src\/rules\/check\.ts:4:5: in function 'check'/);
  assert.match(shown, /\n\s+src\/phases\/access\.ts:5:3: in function 'access'/);
});

test("a path that LuaJIT cut is found by its end, and only when one file fits", (t) => {
  const project = createProject({ ...sources, "other/check.ts": sources["rules/check.ts"] });
  t.after(project.remove);
  assert.deepEqual(build({ project: project.dir }).faults, []);
  const mapLine = openMaps(project.outDir, project.dir);
  assert.equal(mapLine("...rules/check.lua:8: x"), "src/rules/check.ts:8:9: x");
  assert.equal(mapLine("...check.lua:8: x"), "...check.lua:8: x");
  assert.equal(mapLine("/elsewhere/rules/check.lua:8: x"), "/elsewhere/rules/check.lua:8: x");
});
