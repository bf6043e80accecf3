import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "./build.ts";
import { startNginx } from "./testing/nginx.ts";
import { createProject } from "./testing/project.ts";

const source = `
import * as websocket from "resty.websocket.server";

/** @phase content */
export function echo(): void {
  const [peer, problem] = websocket.new({ timeout: 5_000 });
  if (peer === undefined) {
    ngx.status = 400;
    ngx.print(problem);
    return;
  }
  const [data, kind, failure] = peer.recv_frame();
  if (kind === undefined) {
    ngx.log(ngx.ERR, failure);
    return;
  }
  peer.send_text(\`\${kind}: \${data}\`);
  peer.send_close(1000, "done");
}
`;

test("a WebSocket server answers a client", async (t) => {
  const project = createProject({ "echo.ts": source });
  t.after(project.remove);
  assert.deepEqual(build({ project: project.dir }).faults, []);
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const content = { module: "echo", entry: "echo" };
  const nginx = await startNginx({
    dir,
    luaDir: project.outDir,
    tracebacks: true,
    http: {},
    locations: [{ match: { exact: "/" }, handler: { content } }],
  });
  try {
    const plain = await fetch(nginx.url);
    assert.equal(plain.status, 400);
    assert.match(await plain.text(), /bad "upgrade" request header/);

    const client = new WebSocket(nginx.url.replace("http", "ws"));
    const closed = new Promise<CloseEvent>((resolve) => client.addEventListener("close", resolve));
    const said = new Promise<unknown>((resolve) => {
      client.addEventListener("message", ({ data }) => resolve(data));
    });
    client.addEventListener("open", () => client.send("hello"));
    assert.equal(await said, "text: hello", nginx.errorLog());
    assert.equal((await closed).code, 1000);
  } finally {
    await nginx.close();
  }
});
