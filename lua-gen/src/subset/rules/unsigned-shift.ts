import ts from "typescript";
import type { Rule } from "../rule.ts";

const shifts: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanGreaterThanEqualsToken,
]);

export const unsignedShift: Rule = {
  code: "LG005",
  title: "Unsigned shift that may be by 0",
  visit(node, { report }) {
    if (!ts.isBinaryExpression(node) || !shifts.has(node.operatorToken.kind)) return;
    // By 1 to 31 bits the result fits into 31 bits, and both languages agree.
    if (ts.isNumericLiteral(node.right) && Number(node.right.text) % 32 !== 0) return;
    report(
      node.operatorToken,
      "LuaJIT's bit operations give signed results: `x >>> 0` is negative from 2^31 up, where JavaScript's is not. " +
        "Add 4294967296 to what is below 0, or compute with % and Math.floor; shift by a literal of 1 to 31.",
    );
  },
};
