import ts from "typescript";
import type { Rule } from "../rule.ts";

export const remainder: Rule = {
  code: "LG008",
  title: "Remainder of what may be negative",
  visit(node, { report }) {
    if (!ts.isBinaryExpression(node)) return;
    const { kind } = node.operatorToken;
    if (kind !== ts.SyntaxKind.PercentToken && kind !== ts.SyntaxKind.PercentEqualsToken) return;
    if (!looksNegative(node.left)) return;
    report(
      node.operatorToken,
      "-1 % 3 is -1 in JavaScript and 2 in Lua, which follows the divisor's sign. " +
        "Make the left side 0 or more first, for example `(a - b + n) % n`.",
    );
  },
};

/** By its form alone: a name may stand for anything, and most stand for what is never negative. */
function looksNegative(expression: ts.Expression): boolean {
  if (ts.isParenthesizedExpression(expression)) return looksNegative(expression.expression);
  if (ts.isPrefixUnaryExpression(expression)) {
    return (
      expression.operator === ts.SyntaxKind.MinusToken || expression.operator === ts.SyntaxKind.TildeToken
    );
  }
  if (!ts.isBinaryExpression(expression)) return false;
  switch (expression.operatorToken.kind) {
    case ts.SyntaxKind.MinusToken:
    case ts.SyntaxKind.BarToken:
    case ts.SyntaxKind.CaretToken:
    case ts.SyntaxKind.LessThanLessThanToken:
      return true;
    default:
      return false;
  }
}
