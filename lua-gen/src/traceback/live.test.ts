import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "../build.ts";
import { startNginx } from "../testing/nginx.ts";
import { createProject } from "../testing/project.ts";

const sources = {
  "phases/access.ts": `
import { check } from "../rules/check.ts";

/** @phase access */
export function access(): void {
  const [args] = ngx.req.get_uri_args();
  if (args.get("exit") !== undefined) {
    ngx.exit(403);
    return;
  }
  if (args.get("fail") === undefined) return;
  check(2);
}
`,
  "rules/check.ts": `
export function check(depth: number): void {
  if (depth > 1) {
    check(depth - 1);
    return;
  }

  const limits = new LuaTable<string, { max: number }>();
  ngx.sleep(0.001);
  ngx.log(ngx.INFO, limits.get("none").max);
}
`,
  "phases/decide.ts": `
import { wanted } from "../rules/wanted.ts";

/** @phase set */
export function decide(): string {
  return wanted(ngx.var.arg_v === undefined ? undefined : { most: 1 }) + "!";
}
`,
  "rules/wanted.ts": `
export function wanted(limits: { most: number } | undefined): string {
  return \`\${(limits as { most: number }).most}\`;
}
`,
  "phases/wrapped.ts": `
import { wrap } from "lua-gen.traceback";

function explode(what: string): string {
  if (what === "luck") error("no " + what);
  return what;
}

export const content = wrap((): void => {
  ngx.say(explode("luck"));
});
`,
};

test("an error three calls deep in a phase is in nginx's own log as TypeScript positions", async (t) => {
  const project = createProject(sources);
  t.after(project.remove);
  assert.deepEqual(build({ project: project.dir }).faults, []);
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const nginx = await startNginx({
    dir,
    luaDir: project.outDir,
    tracebacks: true,
    http: {},
    locations: [
      {
        match: { exact: "/" },
        access: { module: "phases.access", entry: "access" },
        handler: { content: { code: 'ngx.say("passed")' } },
      },
      {
        match: { exact: "/set" },
        setBy: [{ variable: "decided", by: { module: "phases.decide", entry: "decide" } }],
        handler: { return: { status: 200, body: "$decided" } },
      },
      { match: { exact: "/wrapped" }, handler: { content: { code: 'require("phases.wrapped").content()' } } },
    ],
  });
  let log: string;
  try {
    assert.equal((await fetch(nginx.url)).status, 200, "waiting and ending go through the wrapper");
    assert.equal((await fetch(`${nginx.url}/?exit=1`)).status, 403);
    assert.doesNotMatch(nginx.errorLog(), /runtime error/);
    assert.equal((await fetch(`${nginx.url}/?fail=1`)).status, 500);
    assert.equal((await fetch(`${nginx.url}/wrapped`)).status, 500);
    assert.equal(await (await fetch(`${nginx.url}/set?v=1`)).text(), "1!");
    assert.equal((await fetch(`${nginx.url}/set`)).status, 500);
    log = nginx.errorLog();
  } finally {
    await nginx.close();
  }
  const shown = log.replaceAll(project.dir, "");
  assert.match(
    shown,
    /lua entry thread aborted: runtime error: \/src\/rules\/check\.ts:10:3: attempt to index field 'none' \(a nil value\)\nTypeScript traceback:\n\t\/src\/rules\/check\.ts:10:3: in 'check'\n\t\/src\/rules\/check\.ts:4:5: in 'check'\n\t\/src\/phases\/access\.ts:12:3: in a function/,
  );
  assert.match(shown, /runtime error: \/src\/phases\/wrapped\.ts:5:24: no luck/);
  assert.match(
    shown,
    /failed to run set_by_lua\*: \/src\/rules\/wanted\.ts:3:3: attempt to index local 'limits' \(a nil value\)\nTypeScript traceback:\n\t\/src\/rules\/wanted\.ts:3:3: in \S+\n\t\/src\/phases\/decide\.ts:6:3: in a function/,
  );
});
