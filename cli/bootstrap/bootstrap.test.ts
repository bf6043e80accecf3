import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const BOOTSTRAP = fileURLToPath(new URL("../bootstrap.mjs", import.meta.url));

function bootstrap(args: string[], path: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BOOTSTRAP, ...args], {
    env: { ...process.env, PATH: path },
    encoding: "utf8",
  });
  return { status, output: stdout + stderr };
}

test("an unknown command is answered with those that there are", () => {
  const { status, output } = bootstrap(["fly"], process.env.PATH ?? "");
  assert.equal(status, 2);
  assert.match(output, /usage: .*<up\|test\|/);
});

test("a distribution with too old a broker is told so, with the way that is left, and nothing is installed", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-old-"));
  try {
    // Stands in for Ubuntu 22.04: its versions, whatever this machine has.
    const query = join(folder, "dpkg-query");
    writeFileSync(
      query,
      `#!/bin/sh
case "$*" in
  *Version*redis-server) printf 5:6.0.16-1ubuntu1 ;;
  *Version*rabbitmq-server) printf 3.9.13-1 ;;
  *Version*) printf 1:10.11.6-1 ;;
  *) for name; do printf '%s installed\\n' "$name"; done ;;
esac
`,
    );
    chmodSync(query, 0o755);
    const { status, output } = bootstrap(["up"], `${folder}:${process.env.PATH}`);
    assert.equal(status, 1);
    assert.match(output, /redis-server 5:6\.0\.16-1ubuntu1 is too old; 7\.0 or later is needed/);
    assert.match(output, /rabbitmq-server 3\.9\.13-1 is too old; 3\.10 or later is needed/);
    assert.doesNotMatch(output, /mariadb-server/);
    assert.match(output, /docker compose up/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
