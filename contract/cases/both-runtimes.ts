import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Runtime, startRuntimes } from "./runtimes.ts";

/** A question and the answer that every runtime must give. Arguments are written with spaces for tabs. */
export type Case = readonly [question: string, expected: string];

let runtimes: Runtime[] = [];

/** Starts both runtimes for the tests of the calling file. */
export function useRuntimes(): void {
  before(async () => {
    runtimes = await startRuntimes();
  });
  after(async () => {
    await Promise.all(runtimes.map((runtime) => runtime.close()));
  });
}

/** One test for each table, in both runtimes; all that differ are shown at once. */
export function assertCases(name: string, cases: readonly Case[]): void {
  for (const at of ["Node", "LuaJIT"]) {
    test(`${name} (${at})`, async () => {
      const runtime = runtimes.find((one) => one.name === at);
      assert.ok(runtime);
      const answers = await runtime.ask(["reset", ...cases.map(([question]) => tabbed(question))]);
      assert.deepEqual(
        cases.map(([question], index) => [question, answers[index + 1]]),
        cases.map(([question, expected]) => [question, expected]),
      );
    });
  }
}

/** Puts the questions to both and returns the answers of each, Node's first. */
export async function askBoth(questions: readonly string[]): Promise<[string[], string[]]> {
  const [node, lua] = await Promise.all(runtimes.map((runtime) => runtime.ask(questions)));
  assert.ok(node && lua);
  return [node, lua];
}

function tabbed(question: string): string {
  return question.replaceAll(" ", "\t");
}
