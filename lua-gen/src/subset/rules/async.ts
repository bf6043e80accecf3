import ts from "typescript";
import type { Rule } from "../rule.ts";

export const asynchronous: Rule = {
  code: "LG002",
  title: "Promise or generator",
  visit(node, { report }) {
    // An await inside an async function is the same fault.
    const isTopLevelAwait =
      ts.isAwaitExpression(node) && ts.findAncestor(node, ts.isFunctionLike) === undefined;
    if (isTopLevelAwait || isAsyncFunction(node)) {
      report(
        node,
        "nginx knows no promises, and needs none: a cosocket call waits without blocking the worker. " +
          "Call it like any function, and use ngx.thread.spawn for what shall run side by side.",
      );
    } else if (ts.isFunctionLike(node) && "asteriskToken" in node && node.asteriskToken !== undefined) {
      report(
        node,
        "A generator makes a coroutine for each call, and those yield into nginx's own. " +
          "Return a list, or take a callback.",
      );
    }
  },
};

function isAsyncFunction(node: ts.Node): boolean {
  if (!ts.isFunctionLike(node) || !ts.canHaveModifiers(node)) return false;
  return ts.getModifiers(node)?.some((modifier) => modifier.kind === ts.SyntaxKind.AsyncKeyword) ?? false;
}
