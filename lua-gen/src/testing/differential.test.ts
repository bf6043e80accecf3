import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DifferenceError, differential } from "./differential.ts";
import { createProject } from "./project.ts";

/** Adds lengths up, and forgets at "reset". In Lua a length counts bytes: that is the difference to be found. */
const source = `
export function converse(): (question: string) => string {
  const state = { sum: 0 };
  return (question) => {
    if (question === "reset") {
      state.sum = 0;
      return "forgotten";
    }
    state.sum += question.length;
    return \`\${state.sum}\`;
  };
}
`;

const project = createProject({ "sums/sum.ts": source });
after(project.remove);
const sums = differential({ project: project.dir, source: project.path("sums/sum.ts") }, ["reset"]);

sums.cases("what is the same everywhere", [
  ["a", "1"],
  ["bcd", "4"],
  ["", "4"],
]);

test("answers that agree come back", async () => {
  assert.deepEqual(await sums.agree(["a", "bc"]), ["1", "3"]);
  assert.deepEqual(await sums.agree(["a"]), ["1"], "nothing is remembered");
  assert.deepEqual(await sums.agree([]), []);
});

test("a difference is shown with the fewest questions that show it, and what each answered", async () => {
  const questions = ["a", "bc", "", "def", "é", "gh", "i", "ü", "jkl"];
  await assert.rejects(sums.agree(questions), (error) => {
    assert.ok(error instanceof DifferenceError);
    assert.equal(error.questions.length, 1);
    assert.match(error.message, /^ {2}"[éü]"\n {4}Node {3}"1"\n {4}LuaJIT "2"\n {4}nginx {2}"2"$/m);
    return true;
  });
});
