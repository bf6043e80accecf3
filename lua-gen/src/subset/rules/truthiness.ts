import ts from "typescript";
import type { Rule, RuleContext } from "../rule.ts";

export const truthiness: Rule = {
  code: "LG006",
  title: "Truth of a value that may be 0, NaN or an empty string",
  visit(node, context) {
    for (const tested of testedBy(node)) checkTested(tested, context);
  },
};

/** The expressions whose truth this node asks for. */
function testedBy(node: ts.Node): readonly ts.Expression[] {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node)) return [node.expression];
  if (ts.isForStatement(node)) return node.condition === undefined ? [] : [node.condition];
  if (ts.isConditionalExpression(node)) return [node.condition];
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
    return [node.operand];
  if (ts.isBinaryExpression(node) && isLogical(node.operatorToken.kind)) return [node.left];
  const isBooleanCall =
    ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "Boolean";
  return isBooleanCall ? node.arguments.slice(0, 1) : [];
}

function isLogical(kind: ts.SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.AmpersandAmpersandToken ||
    kind === ts.SyntaxKind.BarBarToken ||
    kind === ts.SyntaxKind.AmpersandAmpersandEqualsToken ||
    kind === ts.SyntaxKind.BarBarEqualsToken
  );
}

function checkTested(expression: ts.Expression, context: RuleContext): void {
  if (ts.isParenthesizedExpression(expression)) {
    checkTested(expression.expression, context);
  } else if (ts.isBinaryExpression(expression) && isLogical(expression.operatorToken.kind)) {
    // Its left side is tested wherever it stands, and reported there.
    checkTested(expression.right, context);
  } else {
    const kind = surprise(context.checker.getTypeAtLocation(expression), context.checker);
    if (kind !== undefined) context.report(expression, message(expression.getText(), kind));
  }
}

type Surprise = "number" | "string" | "cdata" | "unknown";

/** What may be falsy in JavaScript and is true in Lua; or the other way round, for cdata. */
function surprise(type: ts.Type, checker: ts.TypeChecker): Surprise | undefined {
  if (type.isUnion()) {
    for (const part of type.types) {
      const found = surprise(part, checker);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (type.flags & ts.TypeFlags.TypeParameter) {
    const constraint = checker.getBaseConstraintOfType(type);
    return constraint === undefined || constraint === type ? "unknown" : surprise(constraint, checker);
  }
  if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return "unknown";
  if (type.isNumberLiteral()) return type.value === 0 ? "number" : undefined;
  if (type.flags & ts.TypeFlags.NumberLike) return "number";
  if (type.isStringLiteral()) return type.value === "" ? "string" : undefined;
  if (type.flags & ts.TypeFlags.StringLike) return "string";
  return type.getProperty("__cdata") === undefined ? undefined : "cdata";
}

function message(text: string, kind: Surprise): string {
  const shown = text.length > 40 ? "this" : `\`${text}\``;
  switch (kind) {
    case "number":
      return `${shown} is a number, and 0 and NaN are true in Lua. Compare: \`!== 0\`, or \`!== undefined\`.`;
    case "string":
      return `${shown} is a string, and "" is true in Lua. Compare: \`!== ""\`, or \`!== undefined\`.`;
    case "cdata":
      return `${shown} is cdata, and a NULL pointer is true in Lua, though equal to nil. Compare: \`!== undefined\`.`;
    case "unknown":
      return `${shown} may be anything, and 0, NaN and "" are true in Lua. Compare with what you mean.`;
  }
}
