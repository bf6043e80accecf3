import assert from "node:assert/strict";
import { test } from "node:test";
import type { Location, NginxConfig, Server } from "./model.ts";
import { findPlatform } from "./platform.ts";
import { printNginx } from "./print.ts";
import { UnknownMemberError } from "./unknown-members.ts";

const platform = findPlatform();
const answer = { return: { status: 204 } } as const;

function configOf(location: Partial<Location>, server: Partial<Server> = {}): NginxConfig {
  return {
    workers: 1,
    pidFile: "nginx.pid",
    errorLog: { path: "stderr" },
    events: { connectionsMax: 64 },
    http: {
      lua: { packagePath: ";;", tracebacks: true },
      servers: [
        {
          listen: [{ port: 8000 }],
          ...server,
          locations: [{ match: { prefix: "/" }, handler: answer, ...location }],
        },
      ],
    },
  };
}

/** As it comes in by a spread, of which the compiler checks no names. */
const mistakes: readonly (readonly [of: string, config: NginxConfig, unknown: string])[] = [
  [
    "a member",
    configOf({ internal: true, ...{ acess: { code: "x()" } } }),
    "http.servers[0].locations[0].acess",
  ],
  [
    "two",
    configOf({ internal: true, ...{ a: 1 } }, { names: ["x"], ...{ b: 2 } }),
    "http.servers[0].b, http.servers[0].locations[0].a",
  ],
  [
    "a member of a handler that is shown in TypeScript",
    configOf({ access: { module: "a", entry: "b", ...{ phase: "access" } } }),
    "http.servers[0].locations[0].access.phase",
  ],
  [
    "a second handler",
    configOf({ handler: { ...answer, ...{ proxy: { to: "http://x" } } } }),
    "http.servers[0].locations[0].handler.return",
  ],
  [
    "a port beside a socket's path",
    configOf({}, { listen: [{ address: { unix: "/run/x" }, port: 80 }] }),
    "http.servers[0].listen[0].port",
  ],
];

for (const [of, config, unknown] of mistakes) {
  test(`what nothing is made of is refused by name: ${of}`, () => {
    assert.throws(
      () => printNginx(config, platform),
      (error) =>
        error instanceof UnknownMemberError &&
        error.message.startsWith(`Nothing in nginx.conf is made of ${unknown}: `),
    );
  });
}

test("a member that is undefined asks for nothing", () => {
  const config = configOf({ ...{ acess: undefined }, access: { code: "x()", calls: [] } });
  assert.match(printNginx(config, platform), /access_by_lua_block/);
});
