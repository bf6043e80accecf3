import ts from "typescript";
import type { Rule } from "../rule.ts";

export const asynchronous: Rule = {
  code: "LG002",
  title: "Promise or generator",
  visit(node, { report }) {
    // An await inside an async function is the same fault.
    const isTopLevelAwait =
      ts.isAwaitExpression(node) && ts.findAncestor(node, ts.isFunctionLike) === undefined;
    const asyncWord = asyncModifier(node);
    if (isTopLevelAwait || asyncWord !== undefined) {
      report(
        asyncWord ?? node,
        "nginx knows no promises, and needs none: a cosocket call waits without blocking the worker. " +
          "Call it like any function, and use ngx.thread.spawn for what shall run side by side.",
      );
    } else if (ts.isFunctionLike(node) && "asteriskToken" in node && node.asteriskToken !== undefined) {
      report(
        node.asteriskToken as ts.Node,
        "A generator makes a coroutine for each call, and those yield into nginx's own. " +
          "Return a list, or take a callback.",
      );
    }
  },
};

function asyncModifier(node: ts.Node): ts.Node | undefined {
  if (!ts.isFunctionLike(node) || !ts.canHaveModifiers(node)) return undefined;
  return ts.getModifiers(node)?.find((modifier) => modifier.kind === ts.SyntaxKind.AsyncKeyword);
}
