/**
 * docs/limits.md against the values in the code. In each row, what stands in the second cell between semicolons is the
 * value of the names that stand in the third at the same place: `object.property` or `CONSTANT` of a source, or a
 * SETTING of the origin, whose default counts.
 */
import ts from "typescript";
import type { Check, Finding } from "../check.ts";
import { sourcePaths, type Tree, visit } from "../tree.ts";
import { tableRows } from "./markdown.ts";
import { environmentName } from "./settings.ts";

const PAGE = "docs/limits.md";
const CONFIG = "origin/src/config.ts";
const SOURCES = /^(contract|edge|origin)\/(?!.*\.test\.ts$)/;

export const limitsAgree: Check = {
  name: "docs: limits",
  run(tree) {
    if (!tree.has(PAGE)) return [];
    const rows = tableRows(tree, PAGE).filter(({ cells }) => cells[2] !== "where");
    const values = valuesInCode(tree);
    return rows.flatMap(({ cells, line }) =>
      faultsOf(cells, values).map((message): Finding => ({ place: `${PAGE}:${line}`, message })),
    );
  },
};

/** By name, each value with which it is defined somewhere. */
type Values = ReadonlyMap<string, readonly number[]>;

function faultsOf([, valueCell = "", nameCell = ""]: readonly string[], values: Values): string[] {
  const [told, named] = [valueCell.split(";"), nameCell.split(";")];
  if (told.length !== named.length) return [`has ${told.length} values and ${named.length} places`];
  return told.flatMap((text, index) => {
    const names = [...(named[index] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
    if (names.length === 0) return [`does not name where \`${text.trim()}\` stands`];
    return names.flatMap((name) => faultOf(text.trim(), name, values) ?? []);
  });
}

function faultOf(text: string, name: string, values: Values): string | undefined {
  const found = values.get(name) ?? [];
  if (found.length === 0) return `names \`${name}\`, which no source defines as a number`;
  if (found.length > 1) return `names \`${name}\`, which more than one source defines`;
  const value = (found[0] as number) * unitOfName(name);
  return quantity(text) === value ? undefined : `says ${text}, and \`${name}\` is ${found[0]}`;
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  KiB: 1_024,
  MiB: 1_048_576,
};

/** The first number of a text, in milliseconds or bytes when it has such a unit. */
function quantity(text: string): number | undefined {
  const match = /(\d[\d,]*)(?: (ms|s|min|h|d|KiB|MiB)\b)?/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]?.replaceAll(",", "")) * (UNITS[match[2] ?? ""] ?? 1);
}

function unitOfName(name: string): number {
  return /(Seconds|_SECONDS)(Max|_MAX)?$/.test(name) ? 1_000 : 1;
}

function valuesInCode(tree: Tree): Values {
  const values = new Map<string, number[]>();
  const add = (name: string, value: number | undefined) => {
    if (value !== undefined) values.set(name, [...(values.get(name) ?? []), value]);
  };
  for (const path of sourcePaths(tree).filter((one) => SOURCES.test(one))) {
    for (const statement of tree.syntax(path).statements) {
      if (ts.isVariableStatement(statement)) statement.declarationList.declarations.forEach(declared);
    }
  }
  if (tree.has(CONFIG)) visit(tree.syntax(CONFIG), setting);
  return values;

  function declared({ name, initializer }: ts.VariableDeclaration): void {
    if (!ts.isIdentifier(name) || initializer === undefined) return;
    const value = ts.isAsExpression(initializer) ? initializer.expression : initializer;
    if (!ts.isObjectLiteralExpression(value)) add(name.text, numberIn(value));
    for (const property of ts.isObjectLiteralExpression(value) ? value.properties : []) {
      if (!ts.isPropertyAssignment(property) || !ts.isIdentifier(property.name)) continue;
      add(`${name.text}.${property.name.text}`, numberIn(property.initializer));
    }
  }

  function setting(node: ts.Node): void {
    if (!ts.isPropertyAssignment(node) || !ts.isIdentifier(node.name)) return;
    if (ts.isCallExpression(node.initializer))
      add(environmentName(node.name.text), defaultIn(node.initializer));
  }
}

/** `seconds(1_800)`, or `Type.Integer({ …, default: 100 })`. */
function defaultIn(call: ts.CallExpression): number | undefined {
  const [argument] = call.arguments;
  if (argument === undefined) return undefined;
  if (!ts.isObjectLiteralExpression(argument)) return numberIn(argument);
  const given = argument.properties.find((property) => property.name?.getText() === "default");
  return given !== undefined && ts.isPropertyAssignment(given) ? numberIn(given.initializer) : undefined;
}

/** Of literals and what is computed from them. */
function numberIn(node: ts.Expression): number | undefined {
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isParenthesizedExpression(node)) return numberIn(node.expression);
  if (!ts.isBinaryExpression(node)) return undefined;
  const [left, right] = [numberIn(node.left), numberIn(node.right)];
  if (left === undefined || right === undefined) return undefined;
  switch (node.operatorToken.kind) {
    case ts.SyntaxKind.AsteriskToken:
      return left * right;
    case ts.SyntaxKind.AsteriskAsteriskToken:
      return left ** right;
    case ts.SyntaxKind.PlusToken:
      return left + right;
    case ts.SyntaxKind.MinusToken:
      return left - right;
    default:
      return undefined;
  }
}
