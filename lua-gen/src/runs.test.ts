import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "./build.ts";
import { startNginx } from "./testing/nginx.ts";
import { createProject } from "./testing/project.ts";

test("a compiled project answers a request in nginx", async (t) => {
  const project = createProject({
    "greeting.ts": 'export const greeting = (name: string): string => "Hello, " + name;\n',
    "phases.ts": `
      import * as cjson from "cjson.safe";
      import * as lrucache from "resty.lrucache";
      import * as redis from "resty.redis";
      import * as sha256 from "resty.sha256";
      import { greeting } from "./greeting.ts";

      declare global {
        namespace ngx {
          interface SharedZones {
            visits: shared.Dict;
          }
          interface Context {
            visit?: number;
          }
        }
      }

      const cache = lrucache.new<string>(8)[0];

      export function access(): void {
        const [visit, problem] = ngx.shared.visits.incr("all", 1, 0);
        if (visit === undefined) {
          ngx.log(ngx.ERR, "visits: ", problem);
          ngx.exit(ngx.HTTP_INTERNAL_SERVER_ERROR);
          return;
        }
        ngx.ctx.visit = visit;
      }

      export function content(): void {
        const [args] = ngx.req.get_uri_args();
        const name = args.get("name");
        if (cache !== undefined) cache.set("last", "seen");
        ngx.header["content-type"] = "application/json";
        const [body] = cjson.encode({
          text: greeting(typeof name === "string" ? name : "nobody"),
          visit: ngx.ctx.visit,
          libraries: [redis.new()[0] !== undefined, sha256.new() !== undefined],
        });
        ngx.say(body);
      }
    `,
  });
  t.after(project.remove);
  assert.deepEqual(build({ project: project.dir }).faults, []);
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const nginx = await startNginx({
    dir,
    luaDir: project.outDir,
    http: { sharedDicts: { visits: 65_536 } },
    locations: [
      {
        match: { exact: "/hello" },
        access: { module: "phases", entry: "access" },
        handler: { content: { module: "phases", entry: "content" } },
      },
    ],
  });
  try {
    await fetch(`${nginx.url}/hello`);
    const response = await fetch(`${nginx.url}/hello?name=Ada`);
    assert.equal(response.status, 200, nginx.errorLog());
    assert.deepEqual(await response.json(), { text: "Hello, Ada", visit: 2, libraries: [true, true] });
    assert.doesNotMatch(nginx.errorLog(), /\[error\]/);
  } finally {
    await nginx.close();
  }
});
