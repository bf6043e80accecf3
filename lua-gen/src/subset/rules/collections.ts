import ts from "typescript";
import type { Rule } from "../rule.ts";

const replacements = new Map([
  ["Map", "LuaMap or LuaTable"],
  ["WeakMap", "a LuaTable with `__mode` in its metatable"],
  ["Set", "LuaSet, or a LuaTable of true"],
  ["WeakSet", "a LuaTable with `__mode` in its metatable"],
]);

export const collections: Rule = {
  code: "LG004",
  title: "Map or Set",
  visit(node, { report }) {
    if (!ts.isNewExpression(node) || !ts.isIdentifier(node.expression)) return;
    const name = node.expression.text;
    const replacement = replacements.get(name);
    if (replacement === undefined) return;
    report(
      node,
      `${name} becomes a class with a linked list beside its table, for an order that you rarely need. ` +
        `Use ${replacement}, which is one Lua table.`,
    );
  },
};
