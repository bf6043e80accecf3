/** docs/operations.md tells how to fence a route, in commands. Here they are typed. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { eventually } from "../src/eventually.ts";
import { shareSystem } from "../src/journey-system.ts";
import type { System } from "../src/system.ts";
import { operatedShop } from "./operated-shop.ts";

const ROOT = join(import.meta.dirname, "../..");
const ADDRESS_IN_JAPAN = "133.1.1.1";
/** Counted within a second, and twice that for a noisy machine. */
const COUNTED_MS = 2_000;
/** The revision that is in force when the walk in the document begins. */
const FIRST_REVISION = 7;

let system: System;
let folder: string;

before(async () => {
  system = await shareSystem(operatedShop);
  folder = mkdtempSync(join(tmpdir(), "sluice-fence-"));
  writeFileSync(join(folder, "token"), system.operators.opsToken);
  // What `npx sluice` finds in a checkout.
  const npx = `#!/bin/sh\nshift\nexec "${process.execPath}" "${join(ROOT, "cli/src/main.ts")}" "$@"\n`;
  writeFileSync(join(folder, "npx"), npx);
  chmodSync(join(folder, "npx"), 0o755);
});

after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await system?.close();
});

test("a route is fenced, tried, watched and opened again by what the documentation says", async () => {
  const { edge, ops, operators } = system;
  const first = Number((await ops.get("/policy")).headers.get("etag")?.replaceAll('"', ""));
  const { commands, rule, asking } = walkIn(readFileSync(join(ROOT, "docs/operations.md"), "utf8"));
  const define = asking
    .replaceAll(".sluice/ops-token", join(folder, "token"))
    .replaceAll("http://127.0.0.1:8081", operators.opsUrl);
  /** Types the next command; it must be the one that is meant. */
  const type = async (words: string) => {
    const command = commands.shift() ?? "";
    assert.ok(command.includes(words), `"${command}" comes where ${words} is expected`);
    const typed = command.replaceAll(/(?<=--replaces |restore |diff |diff \d )\d+/g, (number) =>
      String(Number(number) - FIRST_REVISION + first),
    );
    const env = {
      ...process.env,
      PATH: `${folder}:${process.env.PATH}`,
      SLUICE_OPS_URL: operators.opsUrl,
      OPS_TOKEN_FILE: join(folder, "token"),
    };
    const { stdout, stderr } = await promisify(execFile)("bash", ["-ec", `${define}\n${typed}`], {
      env,
      cwd: folder,
    });
    return { stdout, stderr };
  };
  const order = async () =>
    (await edge.post("/orders", {}, { from: ADDRESS_IN_JAPAN, headers: { connection: "close" } })).status;
  const everyWorkerSays = (status: number) =>
    eventually(`orders are answered ${status}`, COUNTED_MS, async () => {
      for (let i = 0; i < 8; i++) if ((await order()) !== status) return undefined;
      return true;
    });

  assert.match((await type("policy show")).stderr, new RegExp(`revision ${first}\\b`));
  const draft = JSON.parse(readFileSync(join(folder, "fence.json"), "utf8"));
  draft.rules.unshift(rule);
  writeFileSync(join(folder, "fence.json"), JSON.stringify(draft, undefined, 2));
  assert.equal(await order(), 401);
  assert.match((await type("dry-run")).stdout, /requests tried against revision/);
  assert.match((await type("publish")).stdout, new RegExp(`published as revision ${first + 1}`));
  const explained = (await type("explain")).stdout;
  assert.match(explained, /observed-rule +orders-home +matches/);
  assert.match(explained, /^allowed$/m);
  await eventually("it is in force and counted", COUNTED_MS, async () => {
    assert.equal(await order(), 401);
    const { body } = await ops.get("/metrics");
    return body.includes('rule="orders-home"') ? true : undefined;
  });
  assert.match(
    (await type("metrics")).stdout,
    /^sluice_access_observed_total\{rule="orders-home",action="deny"\} \d/m,
  );
  await type("sed -i");
  assert.match((await type("dry-run")).stdout, /451 \(orders-home\)/);
  await type("publish");
  await everyWorkerSays(451);
  assert.match((await type("policy diff")).stdout, /~ orders-home mode: "observe" → "enforce"/);
  await eventually("the denial is recorded", COUNTED_MS, async () => {
    const { body } = await ops.get("/decisions?rule=orders-home&action=deny&limit=20");
    return body.decisions.length > 0 ? true : undefined;
  });
  assert.match((await type("decisions")).stdout, /"rule":"orders-home"/);
  await type("restore");
  await everyWorkerSays(401);
  assert.deepEqual(commands, []);
});

/** What stands in the section: its commands, the rule that is to be added, and how HTTP is asked (the section before). */
function walkIn(text: string): { commands: string[]; rule: object; asking: string } {
  const section = text.split("### Geo-fence a route").at(1)?.split(/^## /m).at(0) ?? "";
  const [show, json, ...rest] = [...section.matchAll(/^```(?:json)?\n(.*?)^```/gms)].map(
    ([, block]) => block ?? "",
  );
  const commands = [show, ...rest]
    .join("\n")
    .split("\n")
    .map((line) => line.replace(/ +#.*$/, ""));
  const asking = /^ops\(\) \{.*$/m.exec(text)?.[0] ?? "";
  return { commands: commands.filter((line) => line !== ""), rule: JSON.parse(json ?? "{}"), asking };
}
