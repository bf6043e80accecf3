import ts from "typescript";
import * as tstl from "typescript-to-lua";
import { transformLoopBody } from "typescript-to-lua/dist/transformation/visitors/loops/utils.js";
import { isAssigned, isNeverAssigned, keepsLengths } from "./invariance.ts";
import { lowerBound } from "./lower-bound.ts";

/**
 * `for (let i = a; i < n; i++)` becomes `for i = a, n - 1 do`, where it goes through the same numbers for every input.
 * TypeScriptToLua makes a `while` of it, and LuaJIT gives up on any function that reaches a `while` loop of few
 * turns which it hasn't compiled yet ("inner loop in root trace"), where it unrolls a counting loop.
 */
export const countingLoops: tstl.Plugin = {
  visitors: {
    [ts.SyntaxKind.ForStatement]: (loop, context) =>
      rewrite(loop, context) ?? context.superTransformStatements(loop),
  },
};

function rewrite(loop: ts.ForStatement, context: tstl.TransformationContext): tstl.Statement | undefined {
  const { checker } = context;
  const counter = counterOf(loop);
  if (counter === undefined || !steps(loop.incrementor, counter.name)) return undefined;
  const { condition } = loop;
  if (condition === undefined || !ts.isBinaryExpression(condition)) return undefined;
  const isBelow = condition.operatorToken.kind === ts.SyntaxKind.LessThanToken;
  if (!isBelow && condition.operatorToken.kind !== ts.SyntaxKind.LessThanEqualsToken) return undefined;
  if (!ts.isIdentifier(condition.left) || condition.left.text !== counter.name.text) return undefined;
  const limit = condition.right;
  // `i < 2.5` ends at 2, and `for i = 0, 1.5` at 1: only whole numbers can give up one.
  if (lowerBound(counter.start, checker) === undefined || lowerBound(limit, checker) === undefined)
    return undefined;
  if (!isInvariant(limit, loop, checker)) return undefined;
  const symbol = checker.getSymbolAtLocation(counter.name);
  if (symbol === undefined || isAssigned(symbol, loop.statement, checker)) return undefined;
  return transform(loop, counter, limit, isBelow, context);
}

function transform(
  loop: ts.ForStatement,
  counter: Counter,
  limit: ts.Expression,
  isBelow: boolean,
  context: tstl.TransformationContext,
): tstl.Statement {
  const start = context.transformExpression(counter.start);
  const end = context.transformExpression(limit);
  const body = transformLoopBody(context, loop);
  const variable = context.transformExpression(counter.name) as tstl.Identifier;
  return tstl.createForStatement(
    tstl.createBlock(body),
    variable,
    start,
    isBelow ? oneLess(end) : end,
    undefined,
    loop,
  );
}

function oneLess(end: tstl.Expression): tstl.Expression {
  if (tstl.isNumericLiteral(end)) return tstl.createNumericLiteral(end.value - 1);
  return tstl.createBinaryExpression(end, tstl.createNumericLiteral(1), tstl.SyntaxKind.SubtractionOperator);
}

interface Counter {
  readonly name: ts.Identifier;
  readonly start: ts.Expression;
}

function counterOf({ initializer }: ts.ForStatement): Counter | undefined {
  if (initializer === undefined || !ts.isVariableDeclarationList(initializer)) return undefined;
  const [declaration, second] = initializer.declarations;
  if (declaration?.initializer === undefined || second !== undefined) return undefined;
  if (!ts.isIdentifier(declaration.name) || (initializer.flags & ts.NodeFlags.Let) === 0) return undefined;
  return { name: declaration.name, start: declaration.initializer };
}

function steps(incrementor: ts.Expression | undefined, counter: ts.Identifier): boolean {
  if (incrementor === undefined) return false;
  if (ts.isPostfixUnaryExpression(incrementor) || ts.isPrefixUnaryExpression(incrementor)) {
    const { operator, operand } = incrementor;
    return (
      operator === ts.SyntaxKind.PlusPlusToken && ts.isIdentifier(operand) && operand.text === counter.text
    );
  }
  return (
    ts.isBinaryExpression(incrementor) &&
    incrementor.operatorToken.kind === ts.SyntaxKind.PlusEqualsToken &&
    ts.isIdentifier(incrementor.left) &&
    incrementor.left.text === counter.text &&
    ts.isNumericLiteral(incrementor.right) &&
    incrementor.right.text === "1"
  );
}

/** Lua reads the limit once, JavaScript at every turn. */
function isInvariant(limit: ts.Expression, loop: ts.ForStatement, checker: ts.TypeChecker): boolean {
  if (ts.isNumericLiteral(limit)) return true;
  if (ts.isParenthesizedExpression(limit)) return isInvariant(limit.expression, loop, checker);
  if (ts.isBinaryExpression(limit)) {
    return isInvariant(limit.left, loop, checker) && isInvariant(limit.right, loop, checker);
  }
  if (ts.isIdentifier(limit)) return isNeverAssigned(limit, checker);
  if (!ts.isPropertyAccessExpression(limit) || limit.name.text !== "length") return false;
  const of = limit.expression;
  if (!ts.isIdentifier(of) || !isNeverAssigned(of, checker)) return false;
  const type = checker.getTypeAtLocation(of);
  return (type.flags & ts.TypeFlags.StringLike) !== 0 || keepsLengths(loop.statement);
}
