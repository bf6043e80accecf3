import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FROM_GERMANY, startEdge } from "./edge-under-test.ts";
import { startOrigin } from "./origin-under-test.ts";
import { temporaryFolder, until } from "./processes.ts";
import { startRedis } from "./redis-under-test.ts";

const DIST = join(import.meta.dirname, "../dist");

test("an error deep in a phase is a 500, and in the error log with TypeScript positions", async (t) => {
  const redis = await startRedis();
  t.after(() => redis.close());
  const origin = await startOrigin();
  t.after(() => origin.close());
  await redis.ready("1");
  const edge = await startEdge({ redisPort: redis.port, originPort: origin.port });
  t.after(() => edge.close());
  await edge.stop();

  // The compiled edge with a fault in it that its sources don't have: no other line moves.
  const broken = temporaryFolder();
  t.after(() => broken.remove());
  cpSync(DIST, join(broken.path, "edge/dist"), { recursive: true });
  const decide = join(broken.path, "edge/dist/contract/src/policy/decide.lua");
  const lua = readFileSync(decide, "utf8");
  const faulty = lua.replace(
    /^(function ____exports\.decide\([^)]*\)\n)/m,
    '$1 error("broken on purpose", 1) ',
  );
  assert.notEqual(faulty, lua);
  writeFileSync(decide, faulty);
  const conf = join(edge.folder, "conf/nginx.conf");
  const text = readFileSync(conf, "utf8");
  writeFileSync(conf, text.replaceAll(`${DIST}/?.lua`, `${broken.path}/edge/dist/?.lua`));

  await edge.start();
  await edge.untilReady();
  const answer = await edge.from(FROM_GERMANY, "/products/1?token=SECRET");
  assert.equal(answer.status, 500);
  assert.equal(answer.json().code, "edge.failed");
  await until("the error is logged", async () => edge.log().includes("broken on purpose"));
  assert.ok(edge.log().includes(`request ${answer.headers["x-request-id"]}: runtime error`));
  assert.doesNotMatch(edge.log(), /SECRET/);
  assert.match(
    edge.log(),
    new RegExp(
      [
        "runtime error: \\S+/contract/src/policy/decide\\.ts:\\d+:\\d+: broken on purpose",
        "TypeScript traceback:",
        "\\t\\S+/contract/src/policy/decide\\.ts:\\d+:\\d+: in \\S+",
        // decideAccess returns what decide returns: such a call leaves no frame behind.
        "\\t\\S+/edge/src/phases/decide\\.ts:\\d+:\\d+: in 'admit'",
        "\\t\\S+/edge/src/phases/decide\\.ts:\\d+:\\d+: in a function",
      ].join("\n"),
    ),
  );
});
