import ts from "typescript";

type BoundOf = (expression: ts.Expression) => number | undefined;

/**
 * What the conditions around a constant's mention add to its lower bound: `if (at < 0) return;` before it,
 * `if (at >= 0) { … }` and `at >= 0 && …` around it. Only for constants: nothing changes them in between. Conditions
 * outside the function that mentions it don't count, since that may run at another time.
 */
export function guardedBound(
  name: ts.Identifier,
  bound: number,
  checker: ts.TypeChecker,
  boundOf: BoundOf,
): number {
  const symbol = checker.getSymbolAtLocation(name);
  let best = bound;
  let node: ts.Node = name;
  while (!ts.isFunctionLike(node) && node.parent !== undefined) {
    for (const [condition, holds] of conditionsAround(node)) {
      for (const fact of factsOf(condition, holds)) {
        // By symbol: a variable of the same name outside is another one.
        if (!ts.isIdentifier(fact.left) || checker.getSymbolAtLocation(fact.left) !== symbol) continue;
        best = Math.max(best, boundFrom(fact, best, boundOf));
      }
    }
    node = node.parent;
  }
  return best;
}

type Condition = readonly [expression: ts.Expression, holds: boolean];

/** Conditions that are known to hold, or not to, where `node` is evaluated, because of its place in its parent. */
function conditionsAround(node: ts.Node): readonly Condition[] {
  const { parent } = node;
  if (ts.isIfStatement(parent)) {
    if (node === parent.thenStatement) return [[parent.expression, true]];
    return node === parent.elseStatement ? [[parent.expression, false]] : [];
  }
  if (ts.isConditionalExpression(parent)) {
    if (node === parent.whenTrue) return [[parent.condition, true]];
    return node === parent.whenFalse ? [[parent.condition, false]] : [];
  }
  if (ts.isBinaryExpression(parent) && node === parent.right) {
    if (parent.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken) return [[parent.left, true]];
    return parent.operatorToken.kind === ts.SyntaxKind.BarBarToken ? [[parent.left, false]] : [];
  }
  if (!ts.isBlock(parent) && !ts.isSourceFile(parent) && !ts.isCaseOrDefaultClause(parent)) return [];
  const before = parent.statements.slice(0, parent.statements.indexOf(node as ts.Statement));
  return before.flatMap((statement): readonly Condition[] =>
    ts.isIfStatement(statement) && statement.elseStatement === undefined && leaves(statement.thenStatement)
      ? [[statement.expression, false]]
      : [],
  );
}

function leaves(statement: ts.Statement): boolean {
  if (ts.isBlock(statement)) {
    const last = statement.statements.at(-1);
    return last !== undefined && leaves(last);
  }
  return (
    ts.isReturnStatement(statement) || ts.isContinueStatement(statement) || ts.isBreakStatement(statement)
  );
}

interface Fact {
  readonly left: ts.Expression;
  readonly operator: ts.SyntaxKind;
  readonly right: ts.Expression;
}

/** `a && b` that holds gives both; `a || b` that doesn't gives both turned round. */
function factsOf(condition: ts.Expression, holds: boolean): readonly Fact[] {
  if (ts.isParenthesizedExpression(condition)) return factsOf(condition.expression, holds);
  if (!ts.isBinaryExpression(condition)) return [];
  const { left, right } = condition;
  const operator = condition.operatorToken.kind;
  const splits = holds ? ts.SyntaxKind.AmpersandAmpersandToken : ts.SyntaxKind.BarBarToken;
  if (operator === splits) return [...factsOf(left, holds), ...factsOf(right, holds)];
  const known = holds ? operator : opposites.get(operator);
  if (known === undefined) return [];
  const turned = mirrored.get(known);
  return turned === undefined
    ? []
    : [
        { left, operator: known, right },
        { left: right, operator: turned, right: left },
      ];
}

const { LessThanToken: less, LessThanEqualsToken: lessEqual } = ts.SyntaxKind;
const { GreaterThanToken: greater, GreaterThanEqualsToken: greaterEqual } = ts.SyntaxKind;
const { EqualsEqualsEqualsToken: equal, ExclamationEqualsEqualsToken: unequal } = ts.SyntaxKind;

const opposites: ReadonlyMap<ts.SyntaxKind, ts.SyntaxKind> = new Map<ts.SyntaxKind, ts.SyntaxKind>([
  [less, greaterEqual],
  [lessEqual, greater],
  [greater, lessEqual],
  [greaterEqual, less],
  [equal, unequal],
  [unequal, equal],
]);

const mirrored: ReadonlyMap<ts.SyntaxKind, ts.SyntaxKind> = new Map<ts.SyntaxKind, ts.SyntaxKind>([
  [less, greater],
  [lessEqual, greaterEqual],
  [greater, less],
  [greaterEqual, lessEqual],
  [equal, equal],
  [unequal, unequal],
]);

function boundFrom(fact: Fact, bound: number, boundOf: BoundOf): number {
  const other = boundOf(fact.right);
  if (other === undefined) return bound;
  if (fact.operator === greaterEqual || fact.operator === equal) return other;
  if (fact.operator === greater) return other + 1;
  // All are integers: what is at least n and isn't n is at least n + 1.
  return fact.operator === unequal && isLiteral(fact.right) && other === bound ? bound + 1 : bound;
}

function isLiteral(expression: ts.Expression): boolean {
  return (
    ts.isNumericLiteral(expression) ||
    (ts.isPrefixUnaryExpression(expression) && isLiteral(expression.operand))
  );
}
