import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { configuredEntries } from "lua-gen/nginx/handlers.ts";
import { findPlatform } from "lua-gen/nginx/platform.ts";
import { checkHandlers } from "lua-gen/phases/check-handlers.ts";
import { readConfig } from "../config.ts";
import { edgeNginx } from "../nginx.ts";
import { patternRegex, ROUTES } from "../routes.ts";

const GOOD = {
  EDGE_ORIGINS: "127.0.0.1:8082, api:8082",
  EDGE_REDIS: "redis:6379/a/b",
  EDGE_TOKEN_KEYS_FILE: "/k",
  EDGE_GEO_DIR: "/g",
  EDGE_STATE_DIR: "/s",
  EDGE_LOG_DIR: "/l",
  EDGE_RUN_DIR: "/r",
};

test("a configuration is read with its defaults", () => {
  const read = readConfig(GOOD);
  assert.ok("config" in read);
  assert.deepEqual(read.config.origins, ["127.0.0.1:8082", "api:8082"]);
  assert.deepEqual(read.config.redis, { host: "redis", port: 6379, password: "a/b" });
  assert.equal(read.config.port, 8080);
  assert.equal(read.config.workers, "auto");
});

test("all faults come at once, each with the name of its variable", () => {
  const read = readConfig({
    ...GOOD,
    EDGE_GEO_DIR: "",
    EDGE_PORT: "70000",
    EDGE_WORKERS: "many",
    EDGE_HOST: "here",
    EDGE_PROXY_PROTOCOL_PORT: "0",
    EDGE_ORIGINS: "api",
    EDGE_TRUSTED_PROXIES: "10.0.0.0/8,300.1.1.1/40",
  });
  assert.ok("faults" in read);
  const names = read.faults.map((fault) => fault.split(":")[0]);
  assert.deepEqual(names.sort(), [
    "EDGE_GEO_DIR",
    "EDGE_HOST",
    "EDGE_ORIGINS",
    "EDGE_PORT",
    "EDGE_PROXY_PROTOCOL_PORT",
    "EDGE_TRUSTED_PROXIES",
    "EDGE_WORKERS",
  ]);
});

test("a listener for the PROXY protocol needs to know whom it may believe", () => {
  const read = readConfig({ ...GOOD, EDGE_PROXY_PROTOCOL_PORT: "8090" });
  assert.ok("faults" in read);
  assert.deepEqual(read.faults, [
    "EDGE_PROXY_PROTOCOL_PORT: EDGE_TRUSTED_PROXIES must name who speaks the PROXY protocol there",
  ]);
});

test("nginx.conf is not written from a faulty configuration, and the exit code says so", () => {
  const conf = new URL("../conf.ts", import.meta.url).pathname;
  const run = spawnSync(process.execPath, [conf, "--out", "/nowhere"], {
    env: { ...GOOD, EDGE_ORIGINS: "" },
    encoding: "utf8",
  });
  assert.equal(run.status, 78);
  assert.match(run.stderr, /^EDGE_ORIGINS: is not set$/m);
});

test("a cached route is read by everybody alike", () => {
  for (const { pattern, methods, cache } of ROUTES) {
    if (cache !== undefined) assert.deepEqual(methods, { GET: "public" }, pattern);
  }
});

test("a pattern matches one segment for each name", () => {
  const regex = new RegExp(patternRegex("/orders/:id/pay") as string);
  assert.ok(regex.test("/orders/7/pay"));
  assert.ok(!regex.test("/orders/7/8/pay"));
  assert.ok(!regex.test("/orders//pay"));
  assert.ok(!regex.test("/orders/\u00ff/pay"));
  assert.equal(patternRegex("/.well-known/jwks.json"), undefined);
});

test("what nginx.conf calls is exported, and declares the phase that it is called in", () => {
  const read = readConfig(GOOD);
  assert.ok("config" in read);
  const place = { outDir: "/o", instance: "0", resolvers: [] };
  const nginx = edgeNginx(read.config, findPlatform(), place);
  assert.deepEqual(checkHandlers(fileURLToPath(new URL("..", import.meta.url)), nginx), []);
  // Each of them is looked at: none is called without its source being known.
  const calls = configuredEntries(nginx).map(({ phase, entry }) => `${phase} ${entry}`);
  for (const known of ["init init", "init_worker startWorker", "set decideRoute", "access awaitSession"]) {
    assert.ok(calls.includes(known), known);
  }
});
