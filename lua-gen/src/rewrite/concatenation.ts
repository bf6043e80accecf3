import ts from "typescript";
import * as tstl from "typescript-to-lua";

/**
 * `a .. b .. c` in place of `(a .. b) .. c`: Lua joins what stands in one chain at once, and makes a string for each
 * pair of parentheses. Joining is associative and all operands are strings by then, so the result is the same.
 */
export const concatenation: tstl.Plugin = {
  visitors: {
    [ts.SyntaxKind.TemplateExpression]: (node, context) => chain(context.superTransformExpression(node)),
    [ts.SyntaxKind.BinaryExpression]: (node, context) => chain(context.superTransformExpression(node)),
  },
};

function chain(expression: tstl.Expression): tstl.Expression {
  if (!isConcatenation(expression) || !isConcatenation(inner(expression.left))) return expression;
  const operands = operandsOf(expression);
  const joined = operands.reduceRight((right, left) =>
    tstl.createBinaryExpression(left, right, tstl.SyntaxKind.ConcatOperator),
  );
  return tstl.setNodePosition(joined, expression);
}

function operandsOf(expression: tstl.Expression): tstl.Expression[] {
  const node = inner(expression);
  return isConcatenation(node) ? [...operandsOf(node.left), ...operandsOf(node.right)] : [expression];
}

function isConcatenation(node: tstl.Expression): node is tstl.BinaryExpression {
  return tstl.isBinaryExpression(node) && node.operator === tstl.SyntaxKind.ConcatOperator;
}

function inner(node: tstl.Expression): tstl.Expression {
  return tstl.isParenthesizedExpression(node) ? inner(node.expression) : node;
}
