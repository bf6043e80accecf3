import ts from "typescript";
import { guardedBound } from "./guards.ts";

/**
 * The least value that an integer expression can have, where its form proves one: literals, lengths, results of
 * `indexOf`, sums, and variables that start at such a value and never fall below it. `undefined` is "can't tell", and "not an integer".
 */
export function lowerBound(expression: ts.Expression, checker: ts.TypeChecker): number | undefined {
  return boundOf(expression, checker, new Map());
}

/** Variables whose bound is being proved: each may be assumed to hold while its own assignments are looked at. */
type Assumed = Map<ts.Symbol, number>;

function boundOf(expression: ts.Expression, checker: ts.TypeChecker, assumed: Assumed): number | undefined {
  if (ts.isParenthesizedExpression(expression)) return boundOf(expression.expression, checker, assumed);
  if (ts.isNumericLiteral(expression)) {
    const value = Number(expression.text);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  if (ts.isPrefixUnaryExpression(expression) && expression.operator === ts.SyntaxKind.MinusToken) {
    const { operand } = expression;
    return ts.isNumericLiteral(operand) && Number.isSafeInteger(Number(operand.text))
      ? -Number(operand.text)
      : undefined;
  }
  if (ts.isPropertyAccessExpression(expression)) return isLength(expression, checker) ? 0 : undefined;
  if (ts.isCallExpression(expression)) return isIndexOf(expression, checker) ? -1 : undefined;
  if (ts.isBinaryExpression(expression)) return boundOfSum(expression, checker, assumed);
  return ts.isIdentifier(expression) ? boundOfVariable(expression, checker, assumed) : undefined;
}

function isLength(expression: ts.PropertyAccessExpression, checker: ts.TypeChecker): boolean {
  if (expression.name.text !== "length" || expression.questionDotToken !== undefined) return false;
  return isStringOrArray(expression.expression, checker);
}

function isIndexOf(call: ts.CallExpression, checker: ts.TypeChecker): boolean {
  const callee = call.expression;
  if (call.flags & ts.NodeFlags.OptionalChain || !ts.isPropertyAccessExpression(callee)) return false;
  return callee.name.text === "indexOf" && isStringOrArray(callee.expression, checker);
}

function isStringOrArray(expression: ts.Expression, checker: ts.TypeChecker): boolean {
  const type = checker.getTypeAtLocation(expression);
  return (type.flags & ts.TypeFlags.StringLike) !== 0 || checker.isArrayType(type);
}

function boundOfSum(
  node: ts.BinaryExpression,
  checker: ts.TypeChecker,
  assumed: Assumed,
): number | undefined {
  const left = boundOf(node.left, checker, assumed);
  if (left === undefined) return undefined;
  if (node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const right = boundOf(node.right, checker, assumed);
    return right === undefined ? undefined : left + right;
  }
  const isMinusLiteral =
    node.operatorToken.kind === ts.SyntaxKind.MinusToken && ts.isNumericLiteral(node.right);
  return isMinusLiteral && Number.isSafeInteger(Number(node.right.text))
    ? left - Number(node.right.text)
    : undefined;
}

function boundOfVariable(name: ts.Identifier, checker: ts.TypeChecker, assumed: Assumed): number | undefined {
  const symbol = checker.getSymbolAtLocation(name);
  if (symbol === undefined) return undefined;
  const known = assumed.get(symbol);
  if (known !== undefined) return known;
  const declaration = symbol.valueDeclaration;
  if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return undefined;
  if (declaration.initializer === undefined) return undefined;
  const start = boundOf(declaration.initializer, checker, assumed);
  if (start === undefined) return undefined;
  if (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) {
    // Its own name in a guard must not ask for the guard again.
    const known = new Map(assumed).set(symbol, start);
    return guardedBound(name, start, checker, (other) => boundOf(other, checker, known));
  }
  const inProof = new Map(assumed).set(symbol, start);
  return neverFallsBelow(start, symbol, declaration, checker, inProof) ? start : undefined;
}

function neverFallsBelow(
  bound: number,
  symbol: ts.Symbol,
  declaration: ts.VariableDeclaration,
  checker: ts.TypeChecker,
  assumed: Assumed,
): boolean {
  const visit = (node: ts.Node): boolean => {
    const isName =
      ts.isIdentifier(node) && node.parent !== declaration && checker.getSymbolAtLocation(node) === symbol;
    if (isName && !keepsBound(node, bound, checker, assumed)) return false;
    return ts.forEachChild(node, (child) => (visit(child) ? undefined : true)) !== true;
  };
  return visit(declaration.getSourceFile());
}

/** Whether this mention of the variable leaves it at its bound or above. */
function keepsBound(name: ts.Identifier, bound: number, checker: ts.TypeChecker, assumed: Assumed): boolean {
  const { parent } = name;
  if (ts.isPostfixUnaryExpression(parent) || ts.isPrefixUnaryExpression(parent)) {
    return parent.operator !== ts.SyntaxKind.MinusMinusToken;
  }
  if (ts.isBinaryExpression(parent) && parent.left === name) {
    const { kind } = parent.operatorToken;
    const assigned = () => boundOf(parent.right, checker, assumed);
    if (kind === ts.SyntaxKind.EqualsToken) return (assigned() ?? Number.NEGATIVE_INFINITY) >= bound;
    if (kind === ts.SyntaxKind.PlusEqualsToken) return (assigned() ?? -1) >= 0;
    return kind < ts.SyntaxKind.FirstAssignment || kind > ts.SyntaxKind.LastAssignment;
  }
  return !isOtherwiseWritten(name);
}

/** Destructuring and `for (x of …)` assign too; where a name only might be a target, it counts as one. */
function isOtherwiseWritten(name: ts.Identifier): boolean {
  const { parent } = name;
  if (ts.isForOfStatement(parent) || ts.isForInStatement(parent)) return parent.initializer === name;
  const literal = ts.findAncestor(
    name,
    (node) => ts.isArrayLiteralExpression(node) || ts.isObjectLiteralExpression(node) || ts.isStatement(node),
  );
  if (literal === undefined || ts.isStatement(literal)) return false;
  const assignment = ts.findAncestor(literal, (node) => ts.isBinaryExpression(node) || ts.isStatement(node));
  return (
    assignment !== undefined &&
    ts.isBinaryExpression(assignment) &&
    assignment.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    assignment.left.pos <= name.pos &&
    name.end <= assignment.left.end
  );
}
