import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { build } from "../build.ts";
import { formatFault } from "../compile/fault.ts";
import { openProject } from "../compile/project.ts";
import { startNginx } from "./nginx.ts";

/** One place in which the same source runs. */
export interface Runtime {
  readonly name: "Node" | "LuaJIT" | "nginx";
  /** One answer for each question, in order. Whatever the subject remembers stays from call to call. */
  ask(questions: readonly string[]): Promise<string[]>;
  close(): Promise<void>;
}

/**
 * What is compared: a module that exports `converse`, see {@link Converse}. Questions and answers are lines of text,
 * because that is what every runtime can pass on without a word about its own values.
 */
export interface Subject {
  /** The tsconfig.json that compiles it, or its folder. */
  readonly project: string;
  /** The module, as a file. */
  readonly source: string;
}

/** Begins a conversation: a function that answers one line by one line, and may remember. */
export type Converse = () => (question: string) => string;

/** Compiles the subject, and starts it as JavaScript here, as Lua in a LuaJIT, and in a worker of a real nginx. */
export async function startRuntimes({ project, source }: Subject): Promise<Runtime[]> {
  const { faults } = build({ project });
  if (faults.length > 0) throw new Error(`${project}:\n${faults.map(formatFault).join("\n")}`);
  const opened = openProject(project);
  if ("faults" in opened) throw new Error(opened.faults.map(formatFault).join("\n"));
  const { rootDir, outDir } = opened.project;
  const path = resolve(source).slice(rootDir.length + 1);
  const module = path.replace(/\.ts$/, "").replaceAll("/", ".");
  return await Promise.all([inNode(source), inLuajit(outDir, module), inNginx(outDir, module)]);
}

async function inNode(source: string): Promise<Runtime> {
  const { converse } = (await import(pathToFileURL(resolve(source)).href)) as { converse: Converse };
  const answer = converse();
  return { name: "Node", ask: async (questions) => questions.map(answer), close: async () => {} };
}

async function inLuajit(luaDir: string, module: string): Promise<Runtime> {
  const driver = `
    package.path = "${luaDir}/?.lua;" .. package.path
    io.stdout:setvbuf("line")
    local answer = require("${module}").converse()
    for question in io.lines() do print(answer(question)) end
  `;
  const child = spawn("luajit", ["-e", driver], { stdio: ["pipe", "pipe", "inherit"] });
  const missing = once(child, "error").then(([cause]) => {
    throw new Error("luajit can't be started (Debian: apt-get install luajit2)", { cause });
  });
  await Promise.race([once(child, "spawn"), missing]);
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name: "LuaJIT",
    async ask(questions) {
      child.stdin.write(questions.map((question) => `${question}\n`).join(""));
      const answers: string[] = [];
      while (answers.length < questions.length) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`LuaJIT ended at "${questions[answers.length]}"`);
        answers.push(value);
      }
      return answers;
    },
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}

/** Lines that nginx takes at once; in memory, for the handler reads no file. */
const bodyBytesMax = 16_777_216;

async function inNginx(luaDir: string, module: string): Promise<Runtime> {
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  const nginx = await startNginx({
    dir,
    luaDir,
    http: {
      clientBodyBytesMax: bodyBytesMax,
      clientBodyBufferBytes: bodyBytesMax,
      initWorker: { code: `answer_line = require("${module}").converse()` },
    },
    locations: [
      {
        match: { exact: "/" },
        handler: {
          content: {
            code: `
              ngx.req.read_body()
              for question in ngx.req.get_body_data():gmatch("([^\\n]*)\\n") do ngx.say(answer_line(question)) end
            `,
          },
        },
      },
    ],
  });
  return {
    name: "nginx",
    async ask(questions) {
      if (questions.length === 0) return [];
      const body = questions.map((question) => `${question}\n`).join("");
      const response = await fetch(nginx.url, { method: "POST", body });
      const answers = (await response.text()).split("\n").slice(0, -1);
      if (response.ok && answers.length === questions.length) return answers;
      throw new Error(`nginx gave up at "${questions[answers.length]}":\n${nginx.errorLog()}`);
    },
    async close() {
      await nginx.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
