import ts from "typescript";
import type { Rule } from "../rule.ts";

export const exceptions: Rule = {
  code: "LG003",
  title: "Exception",
  visit(node, { report }) {
    if (ts.isTryStatement(node)) {
      report(
        node,
        "try makes a closure and a pcall each time it runs, and LuaJIT compiles neither. Let functions return " +
          "`value, nil` or `nil, error`; around foreign code that throws, call pcall yourself.",
      );
    } else if (ts.isThrowStatement(node)) {
      report(
        node,
        'Thrown objects lose their place in nginx\'s error log. For a bug call error("what is wrong"); ' +
          "a failure that can happen is returned as `nil, error`.",
      );
    }
  },
};
