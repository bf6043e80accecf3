import ts from "typescript";
import { LuaTarget } from "typescript-to-lua";
import * as safeNames from "typescript-to-lua/dist/transformation/utils/safe-names.js";
import type { Rule } from "../rule.ts";

const luaJit = { luaTarget: LuaTarget.LuaJIT };

export const names: Rule = {
  code: "LG013",
  title: "Name that Lua keeps for itself",
  visit(node, { report }) {
    if (!ts.isIdentifier(node) || !namesLocal(node)) return;
    if (!safeNames.isUnsafeName(node.text, luaJit)) return;
    report(
      node,
      `"${node.text}" ${objection(node.text)}. It would be called ${safeNames.createSafeName(node.text)} in Lua, ` +
        "and in tracebacks; choose another name.",
    );
  },
};

function objection(name: string): string {
  if (safeNames.luaKeywords.has(name)) return "is a keyword of Lua";
  if (safeNames.isValidLuaIdentifier(name, luaJit)) return "would hide what Lua itself calls so";
  return "is not spelt as a name may be in Lua";
}

/** Members keep their names, and so do exports, which are members of the module's table. */
function namesLocal(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isImportSpecifier(parent))
    return parent.name === node && !parent.isTypeOnly && !isTypeImport(parent);
  if (ts.isNamespaceImport(parent) || ts.isImportClause(parent)) return !isTypeImport(parent);
  const isDeclared =
    ts.isVariableDeclaration(parent) ||
    ts.isBindingElement(parent) ||
    ts.isParameter(parent) ||
    ts.isFunctionDeclaration(parent) ||
    ts.isFunctionExpression(parent);
  if (!isDeclared || parent.name !== node) return false;
  return !isOnlyTyped(parent) && !isExported(parent);
}

function isTypeImport(node: ts.Node): boolean {
  return ts.findAncestor(node, ts.isImportClause)?.isTypeOnly === true;
}

/** `declare`, and parameters of types and overloads: nothing is printed. */
function isOnlyTyped(node: ts.Node): boolean {
  if (ts.isParameter(node) && !("body" in node.parent && node.parent.body !== undefined)) return true;
  return (
    ts.findAncestor(
      node,
      (one) => (ts.getCombinedModifierFlags(one as ts.Declaration) & ts.ModifierFlags.Ambient) !== 0,
    ) !== undefined
  );
}

function isExported(node: ts.Declaration): boolean {
  return (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Export) !== 0;
}
