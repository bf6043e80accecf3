import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Runtime, type Subject, startRuntimes } from "./runtimes.ts";

/** A question and the answer that every runtime must give. */
export type Case = readonly [question: string, expected: string];

export interface Differential {
  /** One test for each runtime; all cases that differ from what is expected are shown at once. */
  cases(name: string, table: readonly Case[]): void;
  /**
   * Puts the questions to all runtimes and returns their common answers. When they aren't, it throws a
   * {@link DifferenceError} with as few of the questions as still show it. Inside a property of fast-check the
   * property's own shrinking makes the questions themselves small: `fc.asyncProperty(any, (q) => d.agree([q]))`.
   */
  agree(questions: readonly string[]): Promise<string[]>;
}

/** The runtimes don't agree; `questions` are the fewest that were found to show it. */
export class DifferenceError extends Error {
  readonly questions: readonly string[];

  constructor(questions: readonly string[], answers: ReadonlyMap<string, readonly string[]>) {
    const lines = questions.flatMap((question, index) => {
      const given = [...answers].map(
        ([name, list]) => `    ${name.padEnd(6)} ${JSON.stringify(list[index])}`,
      );
      const isSame = new Set([...answers.values()].map((list) => list[index])).size === 1;
      return [`  ${JSON.stringify(question)}`, ...(isSame ? given.slice(0, 1) : given)];
    });
    super(`the runtimes differ, after ${questions.length} question(s):\n${lines.join("\n")}`);
    this.questions = questions;
  }
}

/**
 * Tests one source in all the places in which it will run. Call it at the top of a test file: the runtimes start
 * before the file's tests and end after them. `begin` is asked first each time, to forget what was before.
 */
export function differential(subject: Subject, begin: readonly string[] = []): Differential {
  let runtimes: Runtime[] = [];
  before(async () => {
    runtimes = await startRuntimes(subject);
  });
  after(async () => {
    await Promise.all(runtimes.map((runtime) => runtime.close()));
  });
  const askAll = async (questions: readonly string[]) => {
    const asked = runtimes.map(async ({ name, ask }) => {
      const answers = await ask([...begin, ...questions]);
      return [name, answers.slice(begin.length)] as const;
    });
    return new Map(await Promise.all(asked));
  };
  return {
    cases(name, table) {
      for (const at of ["Node", "LuaJIT", "nginx"]) {
        test(`${name} (${at})`, async () => {
          const runtime = runtimes.find((one) => one.name === at);
          assert.ok(runtime);
          const answers = await runtime.ask([...begin, ...table.map(([question]) => question)]);
          assert.deepEqual(
            table.map(([question], index) => [question, answers[index + begin.length]]),
            table.map(([question, expected]) => [question, expected]),
          );
        });
      }
    },
    async agree(questions) {
      const answers = await askAll(questions);
      const [common = []] = answers.values();
      if (areSame(answers)) return common;
      const fewest = await smallest(questions, async (fewer) => !areSame(await askAll(fewer)));
      throw new DifferenceError(fewest, await askAll(fewest));
    },
  };
}

function areSame(answers: ReadonlyMap<string, readonly string[]>): boolean {
  return new Set([...answers.values()].map((list) => JSON.stringify(list))).size <= 1;
}

/** Leaves out half, a quarter, … and at last single questions, as long as the rest still shows a difference. */
async function smallest(
  questions: readonly string[],
  differs: (fewer: readonly string[]) => Promise<boolean>,
): Promise<readonly string[]> {
  let kept = questions;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < kept.length; ) {
      const fewer = [...kept.slice(0, from), ...kept.slice(from + size)];
      if (fewer.length > 0 && (await differs(fewer))) kept = fewer;
      else from += size;
    }
  }
  return kept;
}
