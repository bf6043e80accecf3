import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type RunningNginx, startNginx } from "../testing/nginx.ts";

describe("conditions on a variable that Lua has set", () => {
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  let nginx: RunningNginx;

  before(async () => {
    nginx = await startNginx({
      dir,
      luaDir: dir,
      http: {
        init: { code: "decide = function(v) if v == 'fail' then error('broken') end return v end" },
      },
      locations: [
        {
          match: { exact: "/" },
          set: [{ variable: "kind", value: "" }],
          setBy: [{ variable: "verdict", by: { code: "return decide(ngx.var.arg_v)" } }],
          addHeaders: [{ name: "X-Outer", value: "outer", always: true }],
          conditions: [
            { when: { variable: "verdict", equals: "pass" }, answer: "handler" },
            {
              when: { variable: "verdict", equals: "wait;{" },
              set: [{ variable: "kind", value: "waited" }],
              access: { code: "ngx.sleep(0.001) if ngx.var.arg_deny then ngx.exit(403) end" },
              answer: "handler",
            },
            {
              when: { variable: "verdict", matches: "^no" },
              addHeaders: [{ name: "X-Inner", value: "$verdict", always: true }],
              answer: { status: 451, body: '{"verdict":"$verdict"}' },
            },
            {
              when: { variable: "verdict", equals: "dressed" },
              headerFilter: { code: "ngx.header['Content-Type'] = 'text/dressed'" },
              answer: { status: 200, body: "dressed" },
            },
          ],
          otherwise: { status: 500, body: "undecided" },
          handler: { content: { code: "ngx.say('handled ', ngx.var.kind)" } },
        },
      ],
    });
  });

  after(async () => {
    await nginx?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const get = (query: string) => fetch(`${nginx.url}/?${query}`);

  test("the handler answers what a condition lets on, with the location's own headers", async () => {
    const answer = await get("v=pass");
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), "handled \n");
    assert.equal(answer.headers.get("x-outer"), "outer");
  });

  test("a condition can bring a phase that waits, and refuse there", async () => {
    assert.equal(await (await get("v=wait;{")).text(), "handled waited\n");
    assert.equal((await get("v=wait;{&deny=1")).status, 403);
  });

  test("a condition answers with its own headers in the place of the location's", async () => {
    const answer = await get("v=no-way");
    assert.equal(answer.status, 451);
    assert.deepEqual(await answer.json(), { verdict: "no-way" });
    assert.equal(answer.headers.get("x-inner"), "no-way");
    assert.equal(answer.headers.get("x-outer"), null);
  });

  test("a header filter of a condition runs for its answers", async () => {
    const answer = await get("v=dressed");
    assert.equal(answer.headers.get("content-type"), "text/dressed");
    assert.equal(answer.headers.get("x-outer"), "outer");
  });

  test("what no condition holds for gets the other answer, and an error is a 500, never the handler", async () => {
    for (const query of ["v=something", "v=", ""]) {
      const answer = await get(query);
      assert.equal(answer.status, 500, query);
      assert.equal(await answer.text(), "undecided", query);
    }
    const failed = await get("v=fail");
    assert.equal(failed.status, 500);
    assert.doesNotMatch(await failed.text(), /handled|undecided/);
    assert.match(nginx.errorLog(), /failed to run set_by_lua\*: .*broken/);
  });
});
