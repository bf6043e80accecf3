import ts from "typescript";
import { positionOf } from "../compile/diagnostic.ts";
import type { Fault } from "../compile/fault.ts";
import type { Phase } from "./phase-sets.ts";
import { tagText } from "./tags.ts";

export const workerStateDiagnostic = { code: "LG014", title: "State that workers don't share" } as const;

/** Methods that change what they are called on: lists, LuaMap, LuaSet, LuaTable. */
const changingMethods = new Set("set add delete push pop shift unshift splice sort reverse fill".split(" "));

/**
 * Module-level variables that a function changes. Each worker has its own: a counter in one counts a part of the
 * requests. What changes in `init` and `init_worker` alone is the same in all of them, and is configuration.
 *
 * @param phasesOf the phases in which a function is known to run; empty for one that no entry reaches.
 */
export function findWorkerState(
  files: readonly ts.SourceFile[],
  checker: ts.TypeChecker,
  phasesOf: (code: ts.Node) => ReadonlySet<Phase>,
): Fault[] {
  const found = new Map<ts.Node, Fault>();
  const visit = (node: ts.Node): void => {
    const changed = changedBy(node);
    if (changed !== undefined) note(changed);
    ts.forEachChild(node, visit);
  };
  const note = (name: ts.Identifier): void => {
    const declaration = checker.getSymbolAtLocation(name)?.valueDeclaration;
    if (declaration === undefined || found.has(declaration) || !isModuleState(declaration)) return;
    const by = ts.findAncestor(name, (one) => ts.isFunctionLike(one));
    if (by === undefined || isConfiguration(phasesOf(by))) return;
    found.set(declaration, faultOf(declaration));
  };
  for (const file of files) visit(file);
  return [...found.values()];
}

/** The variable that `node` changes, or that holds what it changes. */
function changedBy(node: ts.Node): ts.Identifier | undefined {
  if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) return root(node.left);
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const { operator } = node;
    const isStep = operator === ts.SyntaxKind.PlusPlusToken || operator === ts.SyntaxKind.MinusMinusToken;
    return isStep ? root(node.operand) : undefined;
  }
  if (ts.isDeleteExpression(node)) return root(node.expression);
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { name, expression } = node.expression;
    return changingMethods.has(name.text) ? root(expression) : undefined;
  }
  return undefined;
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function root(expression: ts.Expression): ts.Identifier | undefined {
  let node: ts.Expression = expression;
  while (
    ts.isPropertyAccessExpression(node) ||
    ts.isElementAccessExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node)
  ) {
    node = node.expression;
  }
  return ts.isIdentifier(node) ? node : undefined;
}

function isModuleState(declaration: ts.Declaration): declaration is ts.VariableDeclaration {
  if (!ts.isVariableDeclaration(declaration)) return false;
  const statement = declaration.parent.parent;
  if (!ts.isVariableStatement(statement) || !ts.isSourceFile(statement.parent)) return false;
  if (statement.parent.isDeclarationFile || tagText(declaration, "perWorker") !== undefined) return false;
  // A module, a shared zone, a buffer of FFI: not a table of ours.
  const made = declaration.initializer;
  const isLet = (declaration.parent.flags & ts.NodeFlags.Const) === 0;
  return isLet || (made !== undefined && makesTable(made));
}

function makesTable(node: ts.Expression): boolean {
  return ts.isNewExpression(node) || ts.isObjectLiteralExpression(node) || ts.isArrayLiteralExpression(node);
}

function isConfiguration(phases: ReadonlySet<Phase>): boolean {
  return phases.size > 0 && [...phases].every((phase) => phase === "init" || phase === "init_worker");
}

function faultOf(declaration: ts.VariableDeclaration): Fault {
  const file = declaration.getSourceFile();
  return {
    ...positionOf(file, declaration.name.getStart(file)),
    code: workerStateDiagnostic.code,
    message:
      `Each worker has a "${declaration.name.getText()}" of its own, and a reload begins with a new one. ` +
      "What all requests must see lies in ngx.shared; if one for each worker is right (a cache, say), " +
      "write /** @perWorker */ above it.",
  };
}
