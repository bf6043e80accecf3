import assert from "node:assert/strict";
import { after, test } from "node:test";
import { check } from "./build.ts";
import { type Fault, sortFaults } from "./compile/fault.ts";
import type { NginxConfig } from "./nginx/model.ts";
import { findPlatform } from "./nginx/platform.ts";
import { printNginx } from "./nginx/print.ts";
import { UnknownMemberError } from "./nginx/unknown-members.ts";
import { checkHandlers } from "./phases/check-handlers.ts";
import { ofConfigurations, ofPrograms, rules } from "./subset/rules.ts";
import { createProject } from "./testing/project.ts";

/** A project as one might write it coming from JavaScript: every mistake once, marked where it has to be shown. */
const sources: Readonly<Record<string, string>> = {
  "phases.ts": `
import { limit } from "./limit.ts";
import { answer } from "./answer.ts";

/** @phase access */
export function access(): void {
  limit(ngx.var.remote_addr ?? "");
  answer("x");
}

/** @phase log */
export function log(): void {
  record("done");
}

export function §LG015§content(): void {}

/** @phase logging */
export function §LG016§flush(): void {}

function record(what: string): void {
  const [sock] = §LG009§ngx.socket.tcp();
  if (sock === undefined) ngx.log(ngx.ERR, what);
}
`,
  "limit.ts": `
let §LG014§seen = 0;

/** @hot */
export function limit(address: string): void {
  seen += 1;
  const parts = §LG011§address.split(".");
  const note = §LG010§{ address, parts };
  keep(note.address, parts.length);
}

function keep(address: string, §LG013§end: number): boolean {
  const done = §LG012§ngx.shared.seen.set(address, end);
  return done !== undefined;
}

declare global {
  namespace ngx {
    interface SharedZones {
      seen: shared.Dict;
    }
  }
}
`,
  "answer.ts": `
import * as balancer from "ngx.balancer";

export const pooled = (): void => {
  §LG007§balancer.enable_keepalive?.(1, 2);
};

export function answer(name: string): void {
  if (name === §LG001§/x/.source) ngx.say("x");
  const later = §LG002§async () => {};
  §LG003§try {
    ngx.say(tostring(later));
  } finally {
    ngx.say("tried");
  }
  const names = §LG004§new Map<string, number>();
  const bits = name.length §LG005§>>> 0;
  if (§LG006§bits) ngx.say(tostring(names));
  ngx.say((bits - 3) §LG008§% 7);
  §LG900§// lua-gen-allow LG001
  ngx.say("end");
}
`,
};

const mark = /§(LG\d+)§/g;
const project = createProject(
  Object.fromEntries(Object.entries(sources).map(([name, text]) => [name, text.replace(mark, "")])),
);
after(project.remove);
const faults = sortFaults([
  ...check({ project: project.dir }).faults,
  ...checkHandlers(project.dir, configuration()),
  unknownMember(),
]);

function unknownMember(): Fault {
  const misspelt = { serverTokns: false };
  const config = configuration();
  try {
    const http = { ...config.http, ...misspelt };
    printNginx({ ...config, http }, findPlatform());
  } catch (error) {
    if (error instanceof UnknownMemberError) return { code: error.code, message: error.message };
    throw error;
  }
  assert.fail("nothing was said of the unknown member");
}

for (const [name, text] of Object.entries(sources)) {
  test(`each mistake in ${name} is shown once, at its place`, () => {
    const wanted = text.split("\n").flatMap((line, index) => {
      let removed = 0;
      return [...line.matchAll(mark)].map(({ 0: whole, 1: code, index: at }) => {
        const column = at - removed + 1;
        removed += whole.length;
        return `${index + 1}:${column} ${code}`;
      });
    });
    const found = faults
      .filter(({ file }) => file === project.path(name))
      .map(({ line, column, code }) => `${line}:${column} ${code}`);
    assert.deepEqual(found, wanted);
  });
}

function configuration(): NginxConfig {
  return {
    workers: 1,
    pidFile: "nginx.pid",
    errorLog: { path: "stderr" },
    events: { connectionsMax: 64 },
    http: {
      lua: { packagePath: ";;" },
      access: { module: "phases", entry: "access" },
      log: { module: "phases", entry: "log" },
      servers: [
        {
          listen: [{ port: 8000 }],
          locations: [
            { match: { prefix: "/" }, handler: { content: { module: "phases", entry: "content" } } },
          ],
        },
      ],
    },
  };
}

test("there is one mistake for every diagnostic", () => {
  const tried = faults.map(({ code }) => code);
  const existing = [...rules, ...ofPrograms, ...ofConfigurations].map(({ code }) => code);
  assert.deepEqual(
    existing.filter((code) => tried.filter((one) => one === code).length !== 1),
    [],
  );
});
