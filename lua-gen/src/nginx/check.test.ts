import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkNginx } from "./check.ts";
import { directive, type NginxConfig } from "./model.ts";
import { findPlatform, luaSearchCpath, luaSearchPath } from "./platform.ts";
import { printNginx } from "./print.ts";

const platform = findPlatform();

/** Uses every field once, so that a misspelt directive can't hide. */
function everything(dir: string): NginxConfig {
  const run = { module: "app", entry: "run" };
  return {
    source: "check.test.ts",
    workers: "auto",
    pidFile: `${dir}/nginx.pid`,
    errorLog: { path: `${dir}/error.log`, level: "warn" },
    openFilesMax: 512,
    shutdownTimeoutSeconds: 5,
    environment: { PATH: true, APP: "a b" },
    events: { connectionsMax: 128, multiAccept: true },
    http: {
      source: "check.test.ts, http",
      lua: {
        packagePath: luaSearchPath(platform, dir),
        packageCpath: luaSearchCpath(platform),
        timersPendingMax: 64,
        timersRunningMax: 32,
        logSocketErrors: false,
      },
      sharedDicts: { sessions: 1_048_576 },
      init: { code: "app = nil" },
      initWorker: { code: "local function idle() end" },
      exitWorker: { code: "return" },
      serverRewrite: { code: "return" },
      sessionFetchBy: { code: "return" },
      sessionStoreBy: { code: "return" },
      tempDir: dir,
      limitZones: {
        requests: { key: "$binary_remote_addr", bytes: 65_536, rate: { requests: 10, per: "second" } },
        logins: { key: "$binary_remote_addr", bytes: 65_536, rate: { requests: 5, per: "minute" } },
        connections: { key: "$binary_remote_addr", bytes: 65_536 },
      },
      limitRequests: [
        { zone: "requests", burst: 20, delay: "none" },
        { zone: "logins", burst: 3, delay: 1 },
      ],
      limitConnections: [{ zone: "connections", connectionsMax: 64 }],
      limitStatus: 429,
      limitRateBytesPerSecond: 1_000_000,
      logFormats: { decisions: { escape: "json", format: '{"uri":"$uri"}' } },
      maps: [{ source: "tiers", from: "$arg_tier", variable: "tier", default: "0", values: [["~^g", "1"]] }],
      types: { "text/html": ["html"] },
      defaultType: "text/plain",
      accessLog: {
        path: `${dir}/access.log`,
        format: "decisions",
        bufferBytes: 4096,
        flushMs: 500,
        if: "$tier",
      },
      clientBodyBytesMax: 65_536,
      clientBodyBufferBytes: 16_384,
      clientHeaderTimeoutMs: 5_000,
      clientBodyTimeoutMs: 5_000,
      sendTimeoutMs: 5_000,
      keepaliveTimeoutSeconds: 60,
      keepaliveRequestsMax: 10_000,
      serverTokens: false,
      sendfile: true,
      tcpNoDelay: true,
      tcpNoPush: true,
      underscoresInHeaders: false,
      resolver: { addresses: ["127.0.0.1"], validSeconds: 30 },
      luaSocketTimeoutsMs: { connect: 100, send: 100, read: 100 },
      realIp: { trusted: ["10.0.0.0/8", "fd00::/8"], header: "X-Forwarded-For", recursive: true },
      directives: [directive(["http", "server"], "large_client_header_buffers", "4", "16k")],
      upstreams: [
        {
          source: "listed",
          name: "listed",
          servers: [
            { address: "127.0.0.1:1", weight: 2, failuresMax: 0, failTimeoutSeconds: 1, connectionsMax: 9 },
            { address: "127.0.0.1:2", backup: true },
            { address: "127.0.0.1:3", down: true },
          ],
          keepalive: { connections: 16, requestsMax: 1_000, timeoutSeconds: 30 },
        },
        { name: "balanced", balancer: run, keepalive: { connections: 16 } },
      ],
      servers: [
        {
          source: "public",
          listen: [
            { port: 18_080, defaultServer: true, reusePort: true, backlog: 512 },
            { address: "::1", port: 18_081, proxyProtocol: true },
            { address: { unix: `${dir}/nginx.sock` } },
          ],
          http2: true,
          tls: {
            certificateFile: `${dir}/cert.pem`,
            keyFile: `${dir}/key.pem`,
            protocols: ["TLSv1.3"],
            ciphers: "HIGH",
            sessionCache: { zone: "tls", bytes: 1_048_576, timeoutSeconds: 600 },
            sessionTickets: false,
            preferServerCiphers: true,
            stapling: false,
            clients: { authorityFile: `${dir}/cert.pem`, verify: "optional", depthMax: 2 },
            clientHelloBy: run,
            certificateBy: run,
          },
          serverRewrite: run,
          names: ["example.org", "*.example.org"],
          rewrite: run,
          access: run,
          headerFilter: run,
          bodyFilter: run,
          log: run,
          locations: [
            {
              match: { exact: "/lua" },
              handler: { content: run },
              set: [{ variable: "kind", value: "lua" }],
            },
            {
              match: { exact: "/decided" },
              setBy: [
                { variable: "verdict", by: run },
                { variable: "other", by: { code: 'return "x"' } },
              ],
              conditions: [
                { when: { variable: "verdict", equals: "pass" }, answer: "handler" },
                {
                  source: "those who wait",
                  when: { variable: "verdict", matches: "^wait(ing)?$" },
                  set: [{ variable: "kind", value: "a b" }],
                  addHeaders: [{ name: "X-A", value: "$kind", always: true }],
                  access: run,
                  headerFilter: run,
                  answer: "handler",
                },
                {
                  when: { variable: "other", differs: 'a "b" {c}' },
                  answer: { status: 403, body: "{$kind}" },
                },
                { when: { variable: "other", isSet: true }, answer: { status: 302, location: "/moved" } },
              ],
              otherwise: { status: 500 },
              handler: { proxy: { to: "http://listed" } },
            },
            {
              source: "the origin",
              match: { prefix: "/" },
              addHeaders: [{ name: "X-A", value: "a b", always: true }],
              errorPages: [{ statuses: [502, 504], uri: "@down", as: 503 }],
              handler: {
                proxy: {
                  to: "http://listed",
                  setHeaders: { Host: "$host" },
                  hideHeaders: ["X-Powered-By"],
                  connectTimeoutMs: 500,
                  sendTimeoutMs: 5_000,
                  readTimeoutMs: 5_000,
                  nextUpstream: ["error", "timeout"],
                  nextUpstreamTriesMax: 2,
                  nextUpstreamTimeoutMs: 1_000,
                  buffering: true,
                  requestBuffering: true,
                  bufferBytes: 8_192,
                  buffers: { count: 8, bytes: 8_192 },
                  interceptErrors: true,
                },
              },
              directives: [directive(["location"], "proxy_redirect", "off")],
            },
            {
              match: { regex: "^/p/\\d{1,9}$", ignoreCase: true },
              handler: { proxy: { to: "http://balanced" } },
            },
            { match: { prefixFinal: "/files/" }, root: dir, locations: [{ match: { regex: "\\.gif$" } }] },
            { match: { exact: "/moved" }, handler: { return: { status: 308, location: "/lua" } } },
            { match: { exact: "/stats" }, internal: true, handler: { stubStatus: true } },
            { match: { exact: "/dot" }, handler: { emptyGif: true } },
            { match: { name: "down" }, handler: { return: { status: 503, body: "down" } } },
          ],
        },
      ],
    },
  };
}

test("nginx accepts a configuration that uses every field, and says where another is wrong", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "nginx.conf");
  const made = spawnSync(
    "openssl",
    "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=example.org -keyout key.pem -out cert.pem".split(
      " ",
    ),
    { cwd: dir, encoding: "utf8" },
  );
  assert.equal(made.status, 0, made.stderr);
  const config = everything(dir);
  writeFileSync(file, printNginx(config, platform));
  assert.deepEqual(checkNginx(platform, file, dir), { ok: true, faults: [] });

  const wrong = { ...config, directives: [directive(["main"], "wroker_priority", "1")] };
  const text = printNginx(wrong, platform);
  writeFileSync(file, text);
  const line = text.split("\n").findIndex((candidate) => candidate.includes("wroker_priority")) + 1;
  assert.deepEqual(checkNginx(platform, file, dir), {
    ok: false,
    faults: [{ level: "emerg", message: 'unknown directive "wroker_priority"', file, line }],
  });
});

test("each block names its source", () => {
  const text = printNginx(everything("/tmp/lua-gen-unused"), platform);
  for (const source of ["check.test.ts, http", "tiers", "listed", "public", "the origin"]) {
    assert.match(text, new RegExp(`^ *# ${source}\n *(http|map|upstream|server|location) `, "m"));
  }
});

test("a directive made for one context does not fit another", () => {
  const forLocation = directive(["location"], "proxy_redirect", "off");
  // @ts-expect-error http doesn't take it
  const wrong: NonNullable<NginxConfig["http"]["directives"]> = [forLocation];
  assert.equal(wrong.length, 1);
});

test("handlers that this nginx is too old for are printed where they belong", () => {
  const { http, ...main } = everything("/tmp/lua-gen-unused");
  const run = { code: "go()" };
  const proxy = { to: "https://x", upstreamCertificateBy: run, upstreamVerifyBy: run };
  const text = printNginx(
    {
      ...main,
      http: {
        ...http,
        servers: [
          {
            listen: [{ port: 8000 }],
            locations: [{ match: { prefix: "/new" }, precontent: run, handler: { proxy } }],
          },
        ],
      },
    },
    platform,
  );
  const location = text.slice(text.indexOf("location /new {"));
  for (const name of ["precontent", "proxy_ssl_certificate", "proxy_ssl_verify"]) {
    assert.match(location, new RegExp(`${name}_by_lua_block {\n *go\\(\\)\n *}`));
  }
});
