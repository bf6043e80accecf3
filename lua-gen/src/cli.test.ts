import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build, check } from "./build.ts";
import { commands, main } from "./cli.ts";
import { createProject } from "./testing/project.ts";

const bin = fileURLToPath(new URL("../bin/lua-gen.mjs", import.meta.url));

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

function luaGen(cwd: string, ...args: string[]): Outcome {
  return spawnSync(process.execPath, [bin, ...args], { cwd, encoding: "utf8" });
}

/** The same without a process, which loads the compiler each time: for commands that import nothing from the project. */
async function luaGenHere(cwd: string, ...args: string[]): Promise<Outcome> {
  const { log, error } = console;
  const from = process.cwd();
  let [stdout, stderr] = ["", ""];
  console.log = (text) => (stdout += `${text}\n`);
  console.error = (text) => (stderr += `${text}\n`);
  process.chdir(cwd);
  try {
    const status = await main(args);
    return { status, stdout, stderr };
  } finally {
    process.chdir(from);
    Object.assign(console, { log, error });
  }
}

test("every command explains itself", () => {
  const overview = luaGen(".", "--help");
  assert.equal(overview.status, 0);
  for (const { name, summary } of commands) {
    assert.match(overview.stdout, new RegExp(`${name} +${summary}`));
    const help = luaGen(".", name, "--help");
    assert.equal(help.status, 0);
    assert.match(help.stdout, new RegExp(`^lua-gen ${name}`));
  }
});

test("the README lists the commands that exist", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const listed = [...readme.matchAll(/^\| `lua-gen (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(
    listed,
    commands.map(({ name }) => name),
  );
});

test("a wrong call is refused with the help, and status 2", () => {
  for (const args of [
    ["biuld"],
    ["build", "--projekt", "x"],
    ["conf"],
    ["conf", "a.ts", "b.ts"],
    ["conf", "nowhere.ts"],
  ]) {
    const run = luaGen(".", ...args);
    assert.equal(run.status, 2, args.join(" "));
    assert.match(run.stderr, /^lua-gen/);
  }
});

test("build says what it did; check reports as text and as JSON, and writes nothing", async (t) => {
  const project = createProject({ "a.ts": "export const a = 1;\n" });
  t.after(project.remove);
  const first = await luaGenHere(project.dir, "build");
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stdout, /^1 file, 1 written, \d+ ms\n$/);
  assert.match(
    (await luaGenHere(project.dir, "build", "-p", "tsconfig.json")).stdout,
    /^1 file, 0 written, /,
  );

  project.write("a.ts", "export const pattern = /x/;\n");
  const text = await luaGenHere(project.dir, "check");
  assert.equal(text.status, 1);
  assert.match(text.stderr, /^src\/a\.ts:1:24 - error LG001: /);
  const json = await luaGenHere(project.dir, "check", "--json");
  assert.deepEqual(
    JSON.parse(json.stdout).map(({ line, column, code }: { line: number; column: number; code: string }) => [
      line,
      column,
      code,
    ]),
    [[1, 24, "LG001"]],
  );
  assert.match(readFileSync(join(project.outDir, "a.lua"), "utf8"), /____exports\.a = 1/);
});

test("conf prints what a module exports, and nginx's objections with status 1", (t) => {
  const project = createProject({});
  t.after(project.remove);
  const config = (connectionsMax: number) => `export const nginx = {
    workers: 1,
    pidFile: ${JSON.stringify(join(project.dir, "nginx.pid"))},
    errorLog: { path: "stderr" },
    events: { connectionsMax: ${connectionsMax} },
    http: { lua: { packagePath: ";;" }, tempDir: ${JSON.stringify(project.dir)}, accessLog: "off", servers: [] },
  };`;
  writeFileSync(join(project.dir, "nginx.mjs"), config(64));
  const good = luaGen(project.dir, "conf", "nginx.mjs", "--out", "nginx.conf");
  assert.equal(good.status, 0, good.stderr);
  assert.match(readFileSync(join(project.dir, "nginx.conf"), "utf8"), /worker_connections 64;/);

  writeFileSync(join(project.dir, "nginx.mjs"), config(-1));
  const bad = luaGen(project.dir, "conf", "nginx.mjs", "--out", "nginx.conf");
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /nginx\.conf\.refused:\d+ - emerg: invalid number "-1"/);
  assert.match(bad.stderr, /refuses \S+\/nginx\.conf\.refused; \S+\/nginx\.conf is as it was$/m);
  assert.match(readFileSync(join(project.dir, "nginx.conf"), "utf8"), /worker_connections 64;/);
  assert.match(readFileSync(join(project.dir, "nginx.conf.refused"), "utf8"), /worker_connections -1;/);
});

test("nginx.ts beside the tsconfig.json is type-checked with the scripts, and by conf", async (t) => {
  const project = createProject({ "a.ts": "export const a = 1;\n" });
  t.after(project.remove);
  const file = join(project.dir, "nginx.ts");
  const model = JSON.stringify(fileURLToPath(new URL("./nginx/model.ts", import.meta.url)));
  const config = (member: string) => `import type { NginxConfig } from ${model};
export const nginx: NginxConfig = {
  workers: 1,
  pidFile: \`\${import.meta.dirname}/\${process.pid}.pid\`,
  errorLog: { path: "stderr" },
  events: { ${member}: 64 },
  http: { lua: { packagePath: ";;" }, servers: [] },
};
`;
  writeFileSync(file, config("conectionsMax"));
  const checked = await luaGenHere(project.dir, "check", "--json");
  assert.equal(checked.status, 1);
  const faults = JSON.parse(checked.stdout) as { file: string; line: number; column: number; code: string }[];
  assert.deepEqual(
    faults.map((fault) => `${fault.file}:${fault.line}:${fault.column} ${fault.code}`),
    [`${file}:6:13 TS2561`],
  );
  const configured = luaGen(project.dir, "conf", "nginx.ts");
  assert.equal(configured.status, 1);
  assert.match(configured.stderr, /^nginx\.ts:6:13 - error TS2561: /);
  assert.equal(configured.stdout, "");

  writeFileSync(file, config("connectionsMax"));
  assert.deepEqual(build({ project: project.dir, withConfiguration: true }).faults, []);
});

test("trace says that there is no such log", () => {
  const run = luaGen(".", "trace", "nowhere.log");
  assert.equal(run.status, 2);
  assert.match(run.stderr, /^lua-gen trace: there is no file nowhere\.log$/m);
});

test("where no project is, the message says where that would be", () => {
  const [fault] = check({ project: "nowhere" }).faults;
  assert.equal(fault?.message, `there is no tsconfig.json at ${join(process.cwd(), "nowhere")}`);
});

test("conf refuses a handler that its source knows nothing of", (t) => {
  const project = createProject({
    "hello.ts": `
      /** @phase content */
      export const content = () => ngx.say("hello");
      export function log(): void {}
    `,
  });
  t.after(project.remove);
  const write = (handlers: string) =>
    writeFileSync(
      join(project.dir, "nginx.mjs"),
      `export const nginx = {
        workers: 1,
        pidFile: ${JSON.stringify(join(project.dir, "nginx.pid"))},
        errorLog: { path: "stderr" },
        events: { connectionsMax: 64 },
        http: {
          lua: { packagePath: ";;" },
          tempDir: ${JSON.stringify(project.dir)},
          accessLog: "off",
          servers: [{ listen: [{ port: 8000 }], locations: [{ match: { prefix: "/" }, ${handlers} }] }],
        },
      };`,
    );
  write(`handler: { content: { module: "hello", entry: "content" } }, access: { code: "foreign()" }`);
  const good = luaGen(project.dir, "conf", "nginx.mjs", "--out", "nginx.conf");
  assert.equal(good.status, 0, good.stderr);

  write(`handler: { content: { module: "hello", entry: "contend" } }, log: { module: "hello", entry: "log" },
    access: { code: "x()", calls: [{ module: "hello", entry: "content" }] }`);
  const bad = luaGen(project.dir, "conf", "nginx.mjs");
  assert.equal(bad.status, 1);
  assert.deepEqual(bad.stderr.match(/^src\/hello\.ts:.*?: nginx\.conf calls "\w+" .*?in \w+/gm)?.toSorted(), [
    'src/hello.ts:1:1 - error LG015: nginx.conf calls "contend" of hello in content',
    'src/hello.ts:3:20 - error LG015: nginx.conf calls "content" in access',
    'src/hello.ts:4:23 - error LG015: nginx.conf calls "log" in log',
  ]);
  assert.match(bad.stderr, /Write \/\*\* @phase content access \*\/ above it\./);
  assert.equal(bad.stdout, "");
});
