/**
 * docs/errors.md against the code, both ways. A code is whatever object literal says `code`, `status` and
 * `title` in the contract's list or in a catalogue of the origin. They are written as literals, so the source
 * is read and nothing has to be started.
 */
import ts from "typescript";
import type { Check, Finding } from "../check.ts";
import { lineOf, sourcePaths, type Tree, visit } from "../tree.ts";
import { codeIn, tableRows } from "./markdown.ts";

const PAGE = "docs/errors.md";
const CONTRACT = "contract/src/error-codes.ts";

export const errorCodesAreDocumented: Check = {
  name: "docs: error codes",
  run(tree) {
    const coded = errorsInCode(tree);
    if (!tree.has(PAGE)) {
      return coded.length === 0
        ? []
        : [{ place: PAGE, message: `is missing; the code has ${coded.length} errors` }];
    }
    const documented = errorsInPage(tree);
    return [
      ...coded.flatMap((one) => undocumented(one, documented)),
      ...documented.flatMap((one) => unknown(one, coded)),
      ...twice(documented),
      ...disagreeing(coded),
    ];
  },
};

interface ErrorEntry {
  readonly code: string;
  readonly status: number;
  readonly place: string;
}

function errorsInCode(tree: Tree): ErrorEntry[] {
  const catalogues = sourcePaths(tree).filter(
    (path) => path === CONTRACT || (path.startsWith("origin/src/") && !path.endsWith(".test.ts")),
  );
  return catalogues.flatMap((path) => {
    if (!tree.read(path).includes("title:")) return [];
    const entries: ErrorEntry[] = [];
    const source = tree.syntax(path);
    visit(source, (node) => {
      if (!ts.isObjectLiteralExpression(node)) return;
      const code = literal(node, "code");
      const status = literal(node, "status");
      if (code === undefined || status === undefined || literal(node, "title") === undefined) return;
      entries.push({ code, status: Number(status), place: `${path}:${lineOf(source, node)}` });
    });
    return entries;
  });
}

function literal(object: ts.ObjectLiteralExpression, name: string): string | undefined {
  for (const property of object.properties) {
    if (!ts.isPropertyAssignment(property) || !ts.isIdentifier(property.name)) continue;
    if (property.name.text !== name) continue;
    const value = property.initializer;
    if (ts.isStringLiteralLike(value) || ts.isNumericLiteral(value)) return value.text;
  }
  return undefined;
}

function errorsInPage(tree: Tree): ErrorEntry[] {
  return tableRows(tree, PAGE).flatMap(({ cells, line }) => {
    const code = codeIn(cells[0]);
    const status = Number(cells[1]);
    if (code === undefined || !Number.isInteger(status)) return [];
    return [{ code, status, place: `${PAGE}:${line}` }];
  });
}

function undocumented(coded: ErrorEntry, documented: readonly ErrorEntry[]): Finding[] {
  const row = documented.find(({ code }) => code === coded.code);
  if (row === undefined) {
    return [{ place: coded.place, message: `\`${coded.code}\` (${coded.status}) is not listed in ${PAGE}` }];
  }
  if (row.status === coded.status) return [];
  return [
    {
      place: row.place,
      message: `says ${row.status} for \`${row.code}\`; ${coded.place} says ${coded.status}`,
    },
  ];
}

function unknown(row: ErrorEntry, coded: readonly ErrorEntry[]): Finding[] {
  if (coded.some(({ code }) => code === row.code)) return [];
  return [{ place: row.place, message: `lists \`${row.code}\`, which no catalogue has` }];
}

function twice(documented: readonly ErrorEntry[]): Finding[] {
  return documented
    .filter((row, index) => documented.findIndex(({ code }) => code === row.code) < index)
    .map(({ place, code }) => ({ place, message: `lists \`${code}\` a second time` }));
}

/** One code with two statuses would be two errors to a client. */
function disagreeing(coded: readonly ErrorEntry[]): Finding[] {
  return coded.flatMap((one, index) => {
    const first = coded.findIndex(({ code }) => code === one.code);
    const other = coded[first] as ErrorEntry;
    if (first === index) return [];
    return [
      { place: one.place, message: `defines \`${one.code}\` again; import it from ${other.place} instead` },
    ];
  });
}
