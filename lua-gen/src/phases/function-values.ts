import ts from "typescript";

/**
 * A function that an expression may stand for: one of the program's own (it has a body), or a declared one of nginx,
 * Lua or a library.
 */
export type FunctionValue = ts.SignatureDeclaration;

export type OwnFunction = ts.FunctionLikeDeclaration & { readonly body: ts.Node };

export function isOwn(value: ts.Node): value is OwnFunction {
  return ts.isFunctionLike(value) && "body" in value && value.body !== undefined;
}

export interface FunctionValues {
  /** The functions that may be called where the program calls `callee`. */
  callees(callee: ts.Expression): ReadonlySet<FunctionValue>;
  /** The functions that `expression` may stand for. */
  of(expression: ts.Expression): ReadonlySet<FunctionValue>;
}

/** A variable, a parameter or a property, by its declaration: each use of a generic type has symbols of its own. */
type Place = ts.Declaration;

/**
 * Finds which functions reach which variables, parameters, properties and results, for the whole program, whatever
 * the order of execution and the caller (a 0-CFA). Properties are told apart by the type that declares them; where
 * that leads nowhere, by name. Functions put into a container (a list, a LuaTable) may come out of any container as
 * long as their types fit. What comes in from outside, as results of untyped code, isn't seen.
 */
export function findFunctionValues(files: readonly ts.SourceFile[], checker: ts.TypeChecker): FunctionValues {
  const flow = new Flow(checker);
  for (const file of files) flow.collect(file);
  flow.settle();
  return { callees: (callee) => flow.callees(callee), of: (expression) => flow.evaluate(expression) };
}

class Flow {
  private readonly held = new Map<Place, Set<FunctionValue>>();
  private readonly returned = new Map<OwnFunction, Set<FunctionValue>>();
  private readonly byName = new Map<string, Set<FunctionValue>>();
  private readonly contained = new Set<FunctionValue>();
  private readonly assignments: { to: readonly Place[]; from: ts.Expression }[] = [];
  private readonly results: { of: OwnFunction; from: ts.Expression }[] = [];
  private readonly destructured: { to: Place; from: Place }[] = [];
  private readonly calls: ts.CallExpression[] = [];
  private readonly stored: ts.Expression[] = [];
  private isChanged = false;
  private readonly checker: ts.TypeChecker;

  constructor(checker: ts.TypeChecker) {
    this.checker = checker;
  }

  collect(node: ts.Node): void {
    if (ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isPropertyDeclaration(node)) {
      if (node.initializer !== undefined) this.assign(this.placesOf(node.name), node.initializer);
    } else if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
      if (ts.isElementAccessExpression(node.left)) this.store(node.right);
      else this.assign(this.placesOf(node.left), node.right);
    } else if (ts.isPropertyAssignment(node)) {
      this.assign(this.propertyPlaces(node), node.initializer);
    } else if (ts.isShorthandPropertyAssignment(node)) {
      this.assign(this.propertyPlaces(node), node.name);
    } else if (ts.isMethodDeclaration(node) && ts.isObjectLiteralExpression(node.parent) && isOwn(node)) {
      for (const place of this.propertyPlaces(node)) this.add(place, [node]);
    } else if (ts.isReturnStatement(node) && node.expression !== undefined) {
      const owner = ts.findAncestor(node, isOwn);
      if (owner !== undefined) this.addResult(owner, node.expression);
    } else if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) {
      this.addResult(node, node.body);
    } else if (ts.isBindingElement(node)) {
      this.destructure(node);
    } else if (ts.isCallExpression(node)) {
      if (node.arguments.some((argument) => this.mayBeFunction(argument))) this.calls.push(node);
    } else if (ts.isArrayLiteralExpression(node)) {
      for (const element of node.elements) this.store(element);
    }
    ts.forEachChild(node, (child) => this.collect(child));
  }

  /** Until nothing new reaches any place. Each round carries values at least one assignment further. */
  settle(): void {
    do {
      this.isChanged = false;
      for (const { to, from } of this.assignments) {
        const values = this.evaluate(from);
        for (const place of to) this.add(place, values);
      }
      for (const { of, from } of this.results) this.addTo(setIn(this.returned, of), this.evaluate(from));
      for (const { to, from } of this.destructured) this.add(to, this.held.get(from) ?? []);
      for (const expression of this.stored) this.addTo(this.contained, this.evaluate(expression));
      for (const call of this.calls) this.bindArguments(call);
    } while (this.isChanged);
  }

  callees(callee: ts.Expression): ReadonlySet<FunctionValue> {
    const known = this.evaluate(callee);
    if (known.size > 0 || isSuperOrImport(callee)) return known;
    if (ts.isPropertyAccessExpression(callee)) {
      const named = this.byName.get(callee.name.text);
      if (named !== undefined) return this.fitting(named, callee);
    }
    return this.fitting(this.contained, callee);
  }

  evaluate(expression: ts.Expression): ReadonlySet<FunctionValue> {
    const node = inner(expression);
    if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) return new Set([node]);
    if (ts.isConditionalExpression(node)) return this.union(node.whenTrue, node.whenFalse);
    if (ts.isBinaryExpression(node)) return this.union(node.left, node.right);
    if (ts.isIdentifier(node) || ts.isPropertyAccessExpression(node)) {
      const symbol = this.symbolAt(node);
      return symbol === undefined ? new Set() : this.valuesOf(symbol);
    }
    if (ts.isCallExpression(node) && this.mayBeFunction(node)) {
      const results = new Set<FunctionValue>();
      for (const callee of this.evaluate(node.expression)) {
        if (isOwn(callee)) for (const value of this.returned.get(callee) ?? []) results.add(value);
      }
      return results;
    }
    return new Set();
  }

  private valuesOf(symbol: ts.Symbol): ReadonlySet<FunctionValue> {
    const declarations = symbol.declarations ?? [];
    const functions = declarations.filter((one) => ts.isFunctionLike(one));
    const own = functions.find(isOwn);
    const declared = functions.find((one) => one.getSourceFile().isDeclarationFile);
    const [declaration] = declarations;
    const values = new Set(declaration === undefined ? [] : this.held.get(declaration));
    if (own !== undefined) values.add(own);
    else if (declared !== undefined) values.add(declared);
    return values;
  }

  private bindArguments(call: ts.CallExpression): void {
    const callees = this.callees(call.expression);
    // The methods of LuaTable, and $multi: variables with a type that only the compiler knows.
    if (callees.size === 0)
      for (const argument of call.arguments) this.addTo(this.contained, this.evaluate(argument));
    for (const callee of callees) {
      let isHandedOn = false;
      call.arguments.forEach((argument, index) => {
        const parameter = callee.parameters[index] ?? callee.parameters.at(-1);
        if (parameter === undefined) return;
        const values = this.evaluate(argument);
        if (isOwn(callee)) for (const place of this.placesOf(parameter.name)) this.add(place, values);
        else if (takesFunction(parameter, this.checker)) {
          // `pcall(f, g)` and `ngx.timer.at(0, f, g)` hand g on to f.
          this.bindRest(values, call.arguments.slice(index + 1));
          isHandedOn = true;
        } else if (!isHandedOn) this.addTo(this.contained, values);
      });
    }
  }

  private bindRest(functions: ReadonlySet<FunctionValue>, rest: readonly ts.Expression[]): void {
    for (const value of functions) {
      if (!isOwn(value)) continue;
      for (const [index, argument] of rest.entries()) {
        // A timer's callback has `premature` in front.
        for (const parameter of [value.parameters[index], value.parameters[index + 1]]) {
          if (parameter === undefined) continue;
          for (const place of this.placesOf(parameter.name)) this.add(place, this.evaluate(argument));
        }
      }
    }
  }

  private placesOf(name: ts.Node): Place[] {
    if (ts.isIdentifier(name) || ts.isPropertyAccessExpression(name) || ts.isPropertyName(name)) {
      return declarationOf(this.symbolAt(name));
    }
    return [];
  }

  private destructure(node: ts.BindingElement): void {
    if (!ts.isObjectBindingPattern(node.parent)) return;
    const name = (node.propertyName ?? node.name).getText();
    const property = this.checker.getTypeAtLocation(node.parent).getProperty(name);
    for (const from of declarationOf(property)) this.destructured.push({ to: node, from });
  }

  /** The property of the literal itself, and the one of the type that it is made for. */
  private propertyPlaces(node: ts.ObjectLiteralElementLike): Place[] {
    const name = node.name;
    if (name === undefined || !ts.isObjectLiteralExpression(node.parent)) return [];
    const own = (node as { symbol?: ts.Symbol }).symbol;
    const expected = this.checker.getContextualType(node.parent)?.getProperty(name.getText());
    return [...declarationOf(own), ...declarationOf(expected)];
  }

  private symbolAt(node: ts.Node): ts.Symbol | undefined {
    const parent = node.parent;
    const symbol = ts.isShorthandPropertyAssignment(parent)
      ? this.checker.getShorthandAssignmentValueSymbol(parent)
      : this.checker.getSymbolAtLocation(node);
    if (symbol === undefined || (symbol.flags & ts.SymbolFlags.Alias) === 0) return symbol;
    return this.checker.getAliasedSymbol(symbol);
  }

  private assign(to: readonly Place[], from: ts.Expression): void {
    if (to.length > 0 && this.mayBeFunction(from)) this.assignments.push({ to, from });
  }

  private addResult(of: OwnFunction, from: ts.Expression): void {
    if (this.mayBeFunction(from)) this.results.push({ of, from });
  }

  private store(expression: ts.Expression): void {
    if (this.mayBeFunction(expression)) this.stored.push(expression);
  }

  /** Nearly no expression is one; without this, all of the program would flow. */
  private mayBeFunction(expression: ts.Expression): boolean {
    return hasSignature(this.checker.getTypeAtLocation(expression));
  }

  private add(place: Place, values: Iterable<FunctionValue>): void {
    this.addTo(setIn(this.held, place), values);
    if (ts.isObjectLiteralElement(place) || ts.isClassElement(place) || ts.isTypeElement(place)) {
      const name = place.name?.getText();
      if (name !== undefined) this.addTo(setIn(this.byName, name), values);
    }
  }

  private addTo(set: Set<FunctionValue>, values: Iterable<FunctionValue>): void {
    for (const value of values) {
      if (set.has(value)) continue;
      set.add(value);
      this.isChanged = true;
    }
  }

  private union(...expressions: readonly ts.Expression[]): ReadonlySet<FunctionValue> {
    return new Set(expressions.flatMap((expression) => [...this.evaluate(expression)]));
  }

  private fitting(values: ReadonlySet<FunctionValue>, callee: ts.Expression): ReadonlySet<FunctionValue> {
    const wanted = this.checker.getNonNullableType(this.checker.getTypeAtLocation(callee));
    // `any`, as of FFI's functions, would fit all.
    if (wanted.getCallSignatures().length === 0) return new Set();
    const fits = (value: FunctionValue) =>
      this.checker.isTypeAssignableTo(this.checker.getTypeAtLocation(value), wanted);
    return new Set([...values].filter(fits));
  }
}

/** Whether a declared function calls what it gets here, as `pcall` does; and not only keeps it, as `push` does. */
export function takesFunction(parameter: ts.ParameterDeclaration, checker: ts.TypeChecker): boolean {
  return parameter.type !== undefined && hasSignature(checker.getTypeFromTypeNode(parameter.type));
}

function hasSignature(type: ts.Type): boolean {
  if (type.isUnion()) return type.types.some(hasSignature);
  return type.getCallSignatures().length > 0;
}

function isSuperOrImport(node: ts.Expression): boolean {
  return node.kind === ts.SyntaxKind.SuperKeyword || node.kind === ts.SyntaxKind.ImportKeyword;
}

function declarationOf(symbol: ts.Symbol | undefined): Place[] {
  return symbol?.declarations?.slice(0, 1) ?? [];
}

/** Without parentheses and what only types need. */
function inner(expression: ts.Expression): ts.Expression {
  let node = expression;
  while (
    ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isSatisfiesExpression(node)
  ) {
    node = node.expression;
  }
  return node;
}

function setIn<K>(map: Map<K, Set<FunctionValue>>, key: K): Set<FunctionValue> {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const made = new Set<FunctionValue>();
  map.set(key, made);
  return made;
}
