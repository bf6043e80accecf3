import ts from "typescript";
import * as tstl from "typescript-to-lua";
import { transformLoopBody } from "typescript-to-lua/dist/transformation/visitors/loops/utils.js";
import { isNeverAssigned, keepsLengths } from "./invariance.ts";

/**
 * `for (const x of list)` over a list that nothing changes meanwhile becomes a counting loop, for the reason that
 * stands at {@link countingLoops}: a loop over `ipairs` is one more that LuaJIT doesn't unroll.
 */
export const listLoops: tstl.Plugin = {
  visitors: {
    [ts.SyntaxKind.ForOfStatement]: (loop, context) =>
      rewrite(loop, context) ?? context.superTransformStatements(loop),
  },
};

function rewrite(loop: ts.ForOfStatement, context: tstl.TransformationContext): tstl.Statement | undefined {
  const { initializer, expression: list } = loop;
  if (loop.awaitModifier !== undefined || !ts.isVariableDeclarationList(initializer)) return undefined;
  const [declaration] = initializer.declarations;
  if (declaration === undefined || !ts.isIdentifier(declaration.name)) return undefined;
  if (!ts.isIdentifier(list) || !isNeverAssigned(list, context.checker) || !keepsLengths(loop.statement)) {
    return undefined;
  }
  const type = context.checker.getTypeAtLocation(list);
  if (!context.checker.isArrayType(type) || mayHaveHoles(type, context.checker)) return undefined;
  const body = transformLoopBody(context, loop);
  const index = () => tstl.createIdentifier("____index");
  const length = tstl.createUnaryExpression(
    context.transformExpression(list),
    tstl.SyntaxKind.LengthOperator,
  );
  const element = tstl.createTableIndexExpression(context.transformExpression(list), index());
  const name = context.transformExpression(declaration.name) as tstl.Identifier;
  const bound = tstl.createVariableDeclarationStatement(name, element, declaration);
  return tstl.createForStatement(
    tstl.createBlock([bound, ...body]),
    index(),
    tstl.createNumericLiteral(1),
    length,
    undefined,
    loop,
  );
}

/** `ipairs` ends at the first, `#` may not. */
function mayHaveHoles(list: ts.Type, checker: ts.TypeChecker): boolean {
  const [element] = checker.getTypeArguments(list as ts.TypeReference);
  if (element === undefined) return true;
  const parts = element.isUnion() ? element.types : [element];
  const absent = ts.TypeFlags.Undefined | ts.TypeFlags.Null | ts.TypeFlags.Any | ts.TypeFlags.Unknown;
  return parts.some(({ flags }) => (flags & (absent | ts.TypeFlags.TypeParameter)) !== 0);
}
