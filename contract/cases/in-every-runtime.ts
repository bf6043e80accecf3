import { join } from "node:path";
import { type Case, type Differential, differential } from "lua-gen/testing/differential.ts";

export type { Case };

/**
 * Puts the same questions to the contract in Node, in LuaJIT and inside nginx. Call it once at the top of a test file.
 * Every table and every property begins with nothing remembered.
 */
export function inEveryRuntime(): Differential {
  const here = import.meta.dirname;
  const asked = differential({ project: here, source: join(here, "answer.ts") }, ["reset"]);
  return {
    agree: asked.agree,
    /** Arguments are written with spaces for tabs. */
    cases: (name, table) =>
      asked.cases(
        name,
        table.map(([question, expected]) => [question.replaceAll(" ", "\t"), expected]),
      ),
  };
}
