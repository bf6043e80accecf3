import ts from "typescript";
import type { Check } from "../check.ts";
import { sourcePaths, visit } from "../tree.ts";

/** A test that cannot fail is a defect: each test file asserts something, or calls what asserts by its name. */
export const testsAssert: Check = {
  name: "tests assert",
  run: (tree) =>
    sourcePaths(tree)
      .filter((path) => path.endsWith(".test.ts") && !asserts(tree.syntax(path)))
      .map((place) => ({ place, message: "asserts nothing, so it cannot fail" })),
};

function asserts(source: ts.SourceFile): boolean {
  let found = false;
  visit(source, (node) => {
    if (ts.isCallExpression(node) && /^(assert|expect)/.test(node.expression.getText(source))) found = true;
  });
  return found;
}
