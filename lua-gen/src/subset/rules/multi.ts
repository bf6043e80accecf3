import ts from "typescript";
import type { Rule } from "../rule.ts";

/** TypeScriptToLua packs the values into a new table wherever it can't keep them apart, and says nothing. */
export const multi: Rule = {
  code: "LG012",
  title: "Several values used as one",
  visit(node, { checker, report }) {
    if (!ts.isCallExpression(node) || !isMulti(checker.getTypeAtLocation(node))) return;
    const isMaker = ts.isIdentifier(node.expression) && node.expression.text === "$multi";
    if (isMaker ? isReturned(node, checker) : keepsApart(node, checker)) return;
    report(
      node,
      isMaker
        ? "$multi stands only behind return, in a function whose type is LuaMultiReturn."
        : "This gives several values, and here they become a new table that is always true. " +
            "Take them apart: const [value, problem] = …, or pick one: …[0].",
    );
  },
};

function isMulti(type: ts.Type): boolean {
  const types = type.isUnion() ? type.types : [type];
  return types.some((one) => one.getProperty("__tstlMultiReturn") !== undefined);
}

function keepsApart(node: ts.CallExpression, checker: ts.TypeChecker): boolean {
  const { parent } = outer(node);
  if (ts.isExpressionStatement(parent) || ts.isSpreadElement(parent) || ts.isVoidExpression(parent))
    return true;
  if (ts.isVariableDeclaration(parent)) return ts.isArrayBindingPattern(parent.name);
  if (ts.isBinaryExpression(parent)) return ts.isArrayLiteralExpression(parent.left);
  if (ts.isElementAccessExpression(parent)) return parent.expression === outer(node);
  if (ts.isForStatement(parent)) return true;
  return isReturned(node, checker);
}

function isReturned(node: ts.CallExpression, checker: ts.TypeChecker): boolean {
  const { parent } = outer(node);
  if (!ts.isReturnStatement(parent) && !ts.isArrowFunction(parent)) return false;
  const owner = ts.findAncestor(node, (one) => ts.isFunctionLike(one));
  const signature = owner === undefined ? undefined : checker.getSignatureFromDeclaration(owner);
  return signature !== undefined && isMulti(checker.getReturnTypeOfSignature(signature));
}

function outer(node: ts.Expression): ts.Expression {
  let around = node;
  while (
    ts.isParenthesizedExpression(around.parent) ||
    ts.isAsExpression(around.parent) ||
    ts.isNonNullExpression(around.parent) ||
    ts.isSatisfiesExpression(around.parent)
  ) {
    around = around.parent;
  }
  return around;
}
