import ts from "typescript";
import type { Phase } from "./phase-sets.ts";

/** Where `ngx.get_phase()` says it otherwise than the directive does. */
const spoken: Readonly<Partial<Record<Phase, string>>> = {
  ssl_certificate: "ssl_cert",
  proxy_ssl_certificate: "proxy_ssl_cert",
};

/**
 * What a condition comes to in a phase, as far as it compares `ngx.get_phase()`, or a constant that holds its answer,
 * with a text; `undefined` for all others. A comparison inside `&&`, `||` and `!` counts for what it decides there.
 */
export function conditionIn(
  phase: Phase,
  condition: ts.Expression,
  checker: ts.TypeChecker,
): boolean | undefined {
  if (ts.isParenthesizedExpression(condition)) return conditionIn(phase, condition.expression, checker);
  if (ts.isPrefixUnaryExpression(condition) && condition.operator === ts.SyntaxKind.ExclamationToken) {
    const inner = conditionIn(phase, condition.operand, checker);
    return inner === undefined ? undefined : !inner;
  }
  if (!ts.isBinaryExpression(condition)) return undefined;
  const { left, right } = condition;
  switch (condition.operatorToken.kind) {
    case ts.SyntaxKind.AmpersandAmpersandToken:
      return decidedBy(false, conditionIn(phase, left, checker), conditionIn(phase, right, checker));
    case ts.SyntaxKind.BarBarToken:
      return decidedBy(true, conditionIn(phase, left, checker), conditionIn(phase, right, checker));
    case ts.SyntaxKind.EqualsEqualsEqualsToken:
      return comparison(phase, left, right, checker);
    case ts.SyntaxKind.ExclamationEqualsEqualsToken: {
      const same = comparison(phase, left, right, checker);
      return same === undefined ? undefined : !same;
    }
    default:
      return undefined;
  }
}

/** Whether what follows a statement in its block is never reached from it. */
export function leaves(statement: ts.Statement): boolean {
  if (ts.isBlock(statement)) {
    const last = statement.statements.at(-1);
    return last !== undefined && leaves(last);
  }
  return (
    ts.isReturnStatement(statement) ||
    ts.isThrowStatement(statement) ||
    ts.isContinueStatement(statement) ||
    ts.isBreakStatement(statement)
  );
}

/** One side alone decides `&&` when it is false, and `||` when it is true. */
function decidedBy(
  deciding: boolean,
  left: boolean | undefined,
  right: boolean | undefined,
): boolean | undefined {
  if (left === deciding || right === deciding) return deciding;
  return left === undefined || right === undefined ? undefined : !deciding;
}

function comparison(
  phase: Phase,
  left: ts.Expression,
  right: ts.Expression,
  checker: ts.TypeChecker,
): boolean | undefined {
  if (ts.isStringLiteral(left)) return comparison(phase, right, left, checker);
  if (!ts.isStringLiteral(right) || !asksForPhase(left, checker)) return undefined;
  return right.text === (spoken[phase] ?? phase);
}

function asksForPhase(node: ts.Expression, checker: ts.TypeChecker): boolean {
  if (ts.isCallExpression(node)) return node.expression.getText() === "ngx.get_phase";
  if (!ts.isIdentifier(node)) return false;
  const declaration = checker.getSymbolAtLocation(node)?.valueDeclaration;
  if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return false;
  const isConst = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
  // At the top level of a module it was asked when that was loaded.
  const isLocal = ts.findAncestor(declaration, ts.isFunctionLike) !== undefined;
  return (
    isConst &&
    isLocal &&
    declaration.initializer !== undefined &&
    asksForPhase(declaration.initializer, checker)
  );
}
