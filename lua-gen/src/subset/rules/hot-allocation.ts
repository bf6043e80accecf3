import ts from "typescript";
import { hotFunctionAround } from "../hot.ts";
import type { Rule } from "../rule.ts";

export const hotAllocation: Rule = {
  code: "LG010",
  title: "Closure or table made in a hot function",
  visit(node, { report }) {
    const what = allocation(node);
    if (what === undefined || hotFunctionAround(node) === undefined) return;
    report(node, `Each call makes ${what}, in a function marked @hot. ${remedies[what]}`);
  },
};

const remedies = {
  "a closure": "Move it to the top level of the module and pass what it uses as arguments.",
  "a table": "Make it once at the top level and reuse it, or return several values with $multi.",
} as const;

function allocation(node: ts.Node): keyof typeof remedies | undefined {
  if (ts.isArrowFunction(node) || ts.isFunctionExpression(node) || ts.isFunctionDeclaration(node))
    return "a closure";
  if (ts.isNewExpression(node) || ts.isObjectLiteralExpression(node)) return "a table";
  if (ts.isArrayLiteralExpression(node) && !isPattern(node)) return "a table";
  return undefined;
}

/** `[a, b] = [b, a]` and `const [x] = …` compile to assignments of several values. */
function isPattern(node: ts.ArrayLiteralExpression): boolean {
  const { parent } = node;
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
    return parent.left === node || ts.isArrayLiteralExpression(parent.left);
  }
  return ts.isVariableDeclaration(parent) && ts.isArrayBindingPattern(parent.name);
}
