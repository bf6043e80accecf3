/**
 * Both runtimes of the contract behind one interface. LuaJIT runs what lua-gen makes of the same sources, in
 * a process of its own that answers line by line.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { answer, createConversation } from "./answer.ts";

export interface Runtime {
  readonly name: string;
  /** One answer for each question, in order. */
  ask(questions: readonly string[]): Promise<string[]>;
  close(): Promise<void>;
}

const LUA = join(import.meta.dirname, "../../node_modules/.cache/contract-lua");
const COMPILER = join(import.meta.dirname, "../../lua-gen/bin/lua-gen.mjs");
const DRIVER = `
package.path = "${LUA}/?.lua;" .. package.path
io.stdout:setvbuf("line")
local cases = require("cases.answer")
local conversation = cases.createConversation()
for question in io.lines() do print(cases.answer(conversation, question)) end
`;

export async function startRuntimes(): Promise<Runtime[]> {
  return [inNode(), await inLuajit()];
}

function inNode(): Runtime {
  const conversation = createConversation();
  return {
    name: "Node",
    ask: async (questions) => questions.map((question) => answer(conversation, question)),
    close: async () => {},
  };
}

async function inLuajit(): Promise<Runtime> {
  await promisify(execFile)(process.execPath, [COMPILER, "build", "-p", import.meta.dirname]);
  const child = spawn("luajit", ["-e", DRIVER], { stdio: ["pipe", "pipe", "inherit"] });
  const missing = once(child, "error").then(([cause]) => {
    throw new Error("luajit can't be started (Debian: apt-get install luajit2)", { cause });
  });
  await Promise.race([once(child, "spawn"), missing]);
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name: "LuaJIT",
    ask: async (questions) => {
      child.stdin.write(questions.map((question) => `${question}\n`).join(""));
      const answers: string[] = [];
      while (answers.length < questions.length) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`LuaJIT ended at "${questions[answers.length]}"`);
        answers.push(value);
      }
      return answers;
    },
    close: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
