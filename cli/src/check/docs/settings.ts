/**
 * docs/operations.md against the settings that processes read, both ways. The origin's are the keys of its
 * configuration schema (`apiPort` is API_PORT); the others name theirs as they are.
 */
import ts from "typescript";
import type { Check } from "../check.ts";
import { lineOf, type Tree, visit } from "../tree.ts";
import { codeIn, tableRows } from "./markdown.ts";

const PAGE = "docs/operations.md";
const ORIGIN = "origin/src/config.ts";
/** The edge's generator, the payments sandbox, the launcher. */
const OTHERS = /^(edge\/(config|conf)|origin\/sandbox\/config|cli\/src\/settings)\.ts$/;
const NAME = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/;

export const settingsAreDocumented: Check = {
  name: "docs: settings",
  run(tree) {
    const read = [...originSettings(tree), ...otherSettings(tree)];
    if (!tree.has(PAGE)) {
      return read.length === 0
        ? []
        : [{ place: PAGE, message: `is missing; the code reads ${read.length} settings` }];
    }
    const documented = settingsInPage(tree);
    return [
      ...read
        .filter(({ name }) => !documented.some((row) => row.name === name))
        .map(({ name, place }) => ({ place, message: `reads ${name}, which no table of ${PAGE} lists` })),
      ...documented
        .filter(({ name }) => !read.some((one) => one.name === name) && !isReadElsewhere(tree, name))
        .map(({ name, place }) => ({ place, message: `lists ${name}, which nothing reads` })),
    ];
  },
};

interface Setting {
  readonly name: string;
  readonly place: string;
}

/** Property names in the schema's groups: top-level object literals, and the arguments of `Type.Object`. */
function originSettings(tree: Tree): Setting[] {
  if (!tree.has(ORIGIN)) return [];
  const settings = new Map<string, Setting>();
  const source = tree.syntax(ORIGIN);
  visit(source, (node) => {
    if (!ts.isObjectLiteralExpression(node) || !holdsSettings(node)) return;
    for (const property of node.properties) {
      if (!ts.isPropertyAssignment(property) || !ts.isIdentifier(property.name)) continue;
      if (isTypeObject(property.initializer)) continue;
      const name = environmentName(property.name.text);
      settings.set(name, { name, place: `${ORIGIN}:${lineOf(source, property)}` });
    }
  });
  const found = [...settings.values()];
  if (found.length === 0) throw new Error(`${ORIGIN} has no settings that this check can see`);
  return found;
}

function holdsSettings(node: ts.ObjectLiteralExpression): boolean {
  const { parent } = node;
  if (isTypeObject(parent)) return true;
  return (
    ts.isVariableDeclaration(parent) &&
    ts.isVariableDeclarationList(parent.parent) &&
    ts.isSourceFile(parent.parent.parent.parent)
  );
}

function isTypeObject(node: ts.Node): boolean {
  return ts.isCallExpression(node) && node.expression.getText() === "Type.Object";
}

/** The rule of `environmentName` in origin/src/config.ts. */
export function environmentName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** Names in strings, in `env.NAME` and in `{ NAME } = env`, wherever a file of that name reads its settings. */
function otherSettings(tree: Tree): Setting[] {
  const settings = new Map<string, Setting>();
  for (const path of tree.paths.filter((candidate) => OTHERS.test(candidate))) {
    const source = tree.syntax(path);
    visit(source, (node) => {
      const name = settingNamedBy(node);
      if (name === undefined || !NAME.test(name) || settings.has(name)) return;
      settings.set(name, { name, place: `${path}:${lineOf(source, node)}` });
    });
  }
  return [...settings.values()];
}

function settingNamedBy(node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isPropertyAccessExpression(node) && /\benv$/.test(node.expression.getText())) return node.name.text;
  if (!ts.isBindingElement(node)) return undefined;
  const name = node.propertyName ?? node.name;
  return ts.isIdentifier(name) ? name.text : undefined;
}

function settingsInPage(tree: Tree): Setting[] {
  return tableRows(tree, PAGE).flatMap(({ cells, line }) => {
    const name = codeIn(cells[0]);
    if (name === undefined || !NAME.test(name)) return [];
    return [{ name, place: `${PAGE}:${line}` }];
  });
}

/** By the launcher, by a command, or by compose: then its name stands in some file that is no prose. */
function isReadElsewhere(tree: Tree, name: string): boolean {
  const word = new RegExp(`\\b${name}\\b`);
  return tree.paths.some((path) => /\.(ts|mjs|yml|sh)$|Dockerfile$/.test(path) && word.test(tree.read(path)));
}
