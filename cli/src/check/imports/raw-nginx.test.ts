import assert from "node:assert/strict";
import { test } from "node:test";
import { writeTree } from "../written-tree.ts";
import { nginxHasItsPlace } from "./raw-nginx.ts";

test("ngx is used in edge/src/platform and nowhere else at the edge", async () => {
  using tree = writeTree({
    "edge/src/platform/clock.ts": "export const now = () => ngx.now();\n",
    "edge/src/phases/access.ts":
      '// ngx is spoken of\nimport { x } from "ngx.base64";\nconst now = ngx.now();\n',
    "lua-gen/src/a.ts": "ngx.say(1);\n",
  });
  const findings = await nginxHasItsPlace.run(tree);
  assert.deepEqual(
    findings.map(({ place }) => place),
    ["edge/src/phases/access.ts:3"],
  );
});
