import ts from "typescript";
import * as tstl from "typescript-to-lua";
import { lowerBound } from "./lower-bound.ts";

type Context = tstl.TransformationContext;
type Rewrite = (
  call: ts.CallExpression,
  text: ts.Expression,
  context: Context,
) => tstl.Expression | undefined;

/**
 * String methods for which TypeScriptToLua calls into its library, where plain Lua does the same for every input.
 * Anything not proved to be the same is left to it.
 */
export const stringCalls: tstl.Plugin = {
  visitors: {
    [ts.SyntaxKind.CallExpression]: (call, context) =>
      rewrite(call, context) ?? context.superTransformExpression(call),
  },
};

const rewrites: ReadonlyMap<string, Rewrite> = new Map([
  ["startsWith", startsWith],
  ["endsWith", endsWith],
  ["indexOf", indexOf],
  ["includes", includes],
  ["charCodeAt", charCodeAt],
  ["slice", slice],
  ["substring", substring],
]);

function rewrite(call: ts.CallExpression, context: Context): tstl.Expression | undefined {
  const callee = call.expression;
  if (!ts.isPropertyAccessExpression(callee)) return undefined;
  if (call.flags & ts.NodeFlags.OptionalChain) return undefined;
  const found = rewrites.get(callee.name.text);
  if (found === undefined) return undefined;
  const type = context.checker.getTypeAtLocation(callee.expression);
  return isString(type) ? found(call, callee.expression, context) : undefined;
}

function isString(type: ts.Type): boolean {
  return type.isUnion() ? type.types.every(isString) : (type.flags & ts.TypeFlags.StringLike) !== 0;
}

/** `string.sub(s, 1, #p) == p`. The prefix is read twice, so it must be something that reading doesn't change. */
function startsWith(
  call: ts.CallExpression,
  text: ts.Expression,
  context: Context,
): tstl.Expression | undefined {
  const prefix = onlyArgument(call);
  if (prefix === undefined) return undefined;
  const literal = literalText(prefix, context.checker);
  if (literal === undefined && !isConstant(prefix, context.checker)) return undefined;
  const length =
    literal === undefined
      ? tstl.createUnaryExpression(context.transformExpression(prefix), tstl.SyntaxKind.LengthOperator)
      : tstl.createNumericLiteral(Buffer.byteLength(literal));
  const start = library(
    "sub",
    [context.transformExpression(text), tstl.createNumericLiteral(1), length],
    call,
  );
  return equal(start, context.transformExpression(prefix), call);
}

/** `string.sub(s, -n) == "…"`. Not for an empty literal: `string.sub(s, -0)` is all of it. */
function endsWith(
  call: ts.CallExpression,
  text: ts.Expression,
  context: Context,
): tstl.Expression | undefined {
  const suffix = onlyArgument(call);
  const literal = suffix === undefined ? undefined : literalText(suffix, context.checker);
  if (suffix === undefined || literal === undefined || literal === "") return undefined;
  const from = tstl.createNumericLiteral(-Buffer.byteLength(literal));
  const end = library("sub", [context.transformExpression(text), from], call);
  return equal(end, context.transformExpression(suffix), call);
}

/**
 * `(string.find(s, p, from + 1, true) or 0) - 1`, for a start that isn't negative. Not for what may be empty: that is
 * found at the end of the text in JavaScript, and nowhere beyond it in Lua. Without a start TypeScriptToLua does it so.
 */
function indexOf(
  call: ts.CallExpression,
  text: ts.Expression,
  context: Context,
): tstl.Expression | undefined {
  const [part, from] = call.arguments;
  if (part === undefined || from === undefined || call.arguments.length > 2) return undefined;
  const literal = literalText(part, context.checker);
  if (literal === undefined || literal === "" || !isAtLeast(0, from, context)) return undefined;
  const found = library(
    "find",
    [
      context.transformExpression(text),
      context.transformExpression(part),
      addOne(from, context),
      tstl.createBooleanLiteral(true),
    ],
    call,
  );
  const orZero = tstl.createBinaryExpression(found, tstl.createNumericLiteral(0), tstl.SyntaxKind.OrOperator);
  return plus(tstl.createParenthesizedExpression(orZero), -1);
}

/** `string.find(s, p, 1, true) ~= nil`. */
function includes(
  call: ts.CallExpression,
  text: ts.Expression,
  context: Context,
): tstl.Expression | undefined {
  const part = onlyArgument(call);
  if (part === undefined || !isString(context.checker.getTypeAtLocation(part))) return undefined;
  const found = library(
    "find",
    [
      context.transformExpression(text),
      context.transformExpression(part),
      tstl.createNumericLiteral(1),
      tstl.createBooleanLiteral(true),
    ],
    call,
  );
  const operator = tstl.SyntaxKind.InequalityOperator;
  return tstl.createBinaryExpression(found, tstl.createNilLiteral(), operator, call);
}

/**
 * `string.byte(s, i + 1) or 0 / 0`. From -1 up an index that is out of range gives nothing, which becomes NaN; below
 * that, Lua would count from the end.
 */
function charCodeAt(
  call: ts.CallExpression,
  text: ts.Expression,
  context: Context,
): tstl.Expression | undefined {
  const [index] = call.arguments;
  if (index === undefined || (lowerBound(index, context.checker) ?? Number.NEGATIVE_INFINITY) < -1)
    return undefined;
  const byte = library("byte", [context.transformExpression(text), addOne(index, context)], call);
  // Compared with a literal, nothing and NaN come to the same.
  if (isComparedWithLiteral(call)) return byte;
  const zero = () => tstl.createNumericLiteral(0);
  const nan = tstl.createBinaryExpression(zero(), zero(), tstl.SyntaxKind.DivisionOperator);
  return tstl.createParenthesizedExpression(
    tstl.createBinaryExpression(byte, nan, tstl.SyntaxKind.OrOperator, call),
  );
}

/** `string.sub(s, from + 1, to)`: an empty range is empty in both, whichever end is greater. */
function slice(call: ts.CallExpression, text: ts.Expression, context: Context): tstl.Expression | undefined {
  const [from, to] = call.arguments;
  if (from === undefined || call.arguments.length > 2 || !isAtLeast(0, from, context)) return undefined;
  if (to !== undefined && !isAtLeast(0, to, context)) return undefined;
  const end = to === undefined ? [] : [context.transformExpression(to)];
  return library("sub", [context.transformExpression(text), addOne(from, context), ...end], call);
}

/** Like {@link slice}, but JavaScript swaps the ends when they are the wrong way round: never from 0. */
function substring(
  call: ts.CallExpression,
  text: ts.Expression,
  context: Context,
): tstl.Expression | undefined {
  const [from, to] = call.arguments;
  const isFromZero = from !== undefined && ts.isNumericLiteral(from) && Number(from.text) === 0;
  return to === undefined || isFromZero ? slice(call, text, context) : undefined;
}

function isAtLeast(least: number, expression: ts.Expression, { checker }: Context): boolean {
  const bound = lowerBound(expression, checker);
  return bound !== undefined && bound >= least;
}

/** Folds what it can: LuaJIT does not add up the constants of `x + 1 + 1`. */
function addOne(index: ts.Expression, context: Context): tstl.Expression {
  if (ts.isNumericLiteral(index)) return tstl.createNumericLiteral(Number(index.text) + 1);
  const added = ts.isBinaryExpression(index) ? addedLiteral(index) : undefined;
  if (!ts.isBinaryExpression(index) || added === undefined)
    return plus(context.transformExpression(index), 1);
  return plus(context.transformExpression(index.left), added + 1);
}

function addedLiteral({ operatorToken, right }: ts.BinaryExpression): number | undefined {
  if (!ts.isNumericLiteral(right)) return undefined;
  if (operatorToken.kind === ts.SyntaxKind.PlusToken) return Number(right.text);
  return operatorToken.kind === ts.SyntaxKind.MinusToken ? -Number(right.text) : undefined;
}

function plus(value: tstl.Expression, amount: number): tstl.Expression {
  if (amount === 0) return value;
  const operator = amount > 0 ? tstl.SyntaxKind.AdditionOperator : tstl.SyntaxKind.SubtractionOperator;
  return tstl.createBinaryExpression(value, tstl.createNumericLiteral(Math.abs(amount)), operator);
}

function onlyArgument(call: ts.CallExpression): ts.Expression | undefined {
  return call.arguments.length === 1 ? call.arguments[0] : undefined;
}

function isComparedWithLiteral(call: ts.CallExpression): boolean {
  const { parent } = call;
  if (!ts.isBinaryExpression(parent)) return false;
  const { kind } = parent.operatorToken;
  if (kind !== ts.SyntaxKind.EqualsEqualsEqualsToken && kind !== ts.SyntaxKind.ExclamationEqualsEqualsToken) {
    return false;
  }
  return ts.isNumericLiteral(parent.left === call ? parent.right : parent.left);
}

/** The text that an expression always has: a literal, or a constant of that type. */
function literalText(node: ts.Expression, checker: ts.TypeChecker): string | undefined {
  const type = checker.getTypeAtLocation(node);
  return type.isStringLiteral() ? type.value : undefined;
}

function isConstant(node: ts.Expression, checker: ts.TypeChecker): boolean {
  if (!ts.isIdentifier(node)) return false;
  const declaration = checker.getSymbolAtLocation(node)?.valueDeclaration;
  return (
    declaration !== undefined &&
    ts.isVariableDeclaration(declaration) &&
    (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0
  );
}

function library(name: string, args: tstl.Expression[], original: ts.Node): tstl.Expression {
  const callee = tstl.createTableIndexExpression(
    tstl.createIdentifier("string"),
    tstl.createStringLiteral(name),
  );
  return tstl.createCallExpression(callee, args, original);
}

function equal(left: tstl.Expression, right: tstl.Expression, original: ts.Node): tstl.Expression {
  return tstl.createBinaryExpression(left, right, tstl.SyntaxKind.EqualityOperator, original);
}
