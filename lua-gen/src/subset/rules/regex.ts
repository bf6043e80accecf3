import ts from "typescript";
import type { Rule } from "../rule.ts";

export const regex: Rule = {
  code: "LG001",
  title: "Regular expression",
  visit(node, { report }) {
    const isLiteral = node.kind === ts.SyntaxKind.RegularExpressionLiteral;
    const isConstructor =
      (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === "RegExp";
    if (!isLiteral && !isConstructor) return;
    report(
      node,
      "Lua has no JavaScript regular expressions. Use string comparison or string.find on hot paths, " +
        'or ngx.re.find(text, pattern, "jo").',
    );
  },
};
