import ts from "typescript";

/** A constant, or a variable of a function that nothing assigns to after its declaration. */
export function isNeverAssigned(name: ts.Identifier, checker: ts.TypeChecker): boolean {
  const symbol = checker.getSymbolAtLocation(name);
  const declaration = symbol?.valueDeclaration;
  if (symbol === undefined || declaration === undefined) return false;
  if (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) return true;
  const scope = ts.findAncestor(declaration, (node) => ts.isFunctionLike(node) || ts.isSourceFile(node));
  return scope !== undefined && ts.isFunctionLike(scope) && !isAssigned(symbol, scope, checker);
}

/** A list can grow under any name that it has: nothing in the loop may call or store. */
export function keepsLengths(node: ts.Node): boolean {
  if (ts.isCallExpression(node) || ts.isNewExpression(node) || ts.isDeleteExpression(node)) return false;
  if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind) && !ts.isIdentifier(node.left))
    return false;
  return ts.forEachChild(node, (child) => (keepsLengths(child) ? undefined : true)) === undefined;
}

/** Whether anything `within` gives the variable a new value. */
export function isAssigned(symbol: ts.Symbol, within: ts.Node, checker: ts.TypeChecker): boolean {
  const isTarget = (node: ts.Node): boolean => {
    if (ts.isIdentifier(node))
      return node.text === symbol.name && checker.getSymbolAtLocation(node) === symbol;
    // `[a, b] = …`
    return (ts.forEachChild(node, (child) => (isTarget(child) ? true : undefined)) ?? false) === true;
  };
  const visit = (node: ts.Node): boolean => {
    if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind) && isTarget(node.left))
      return true;
    if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
      const { operator } = node;
      const isStep = operator === ts.SyntaxKind.PlusPlusToken || operator === ts.SyntaxKind.MinusMinusToken;
      if (isStep && isTarget(node.operand)) return true;
    }
    if ((ts.isForOfStatement(node) || ts.isForInStatement(node)) && isTarget(node.initializer)) return true;
    return ts.forEachChild(node, (child) => (visit(child) ? true : undefined)) ?? false;
  };
  return visit(within);
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}
