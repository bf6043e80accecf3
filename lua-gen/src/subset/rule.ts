import type ts from "typescript";

/**
 * One thing that TypeScript allows and Lua inside nginx doesn't forgive. Its `code` never changes meaning; each has
 * an entry in the README, which a test holds together with this list.
 */
export interface Rule {
  readonly code: `LG${number}`;
  /** The heading in the README. */
  readonly title: string;
  /** Looks at one node of a source file, and reports what it finds. */
  visit(node: ts.Node, context: RuleContext): void;
}

export interface RuleContext {
  readonly checker: ts.TypeChecker;
  /** `message` says what goes wrong and then what to write instead. */
  report(node: ts.Node, message: string): void;
}
