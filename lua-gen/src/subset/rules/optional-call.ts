import ts from "typescript";
import type { Rule } from "../rule.ts";

export const optionalModuleCall: Rule = {
  code: "LG007",
  title: "Optional call of a module's member",
  visit(node, { checker, report }) {
    if (!ts.isCallExpression(node) || node.questionDotToken === undefined) return;
    if (!ts.isPropertyAccessExpression(node.expression)) return;
    const symbol = checker.getSymbolAtLocation(node.expression.expression);
    if (symbol?.declarations?.some(ts.isNamespaceImport) !== true) return;
    report(
      node,
      "TypeScriptToLua loses the module's name in `module.member?.()`. " +
        "Bind it first: `const member = module.member; if (member !== undefined) member();`",
    );
  },
};
