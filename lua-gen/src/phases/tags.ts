import ts from "typescript";
import { type Phase, parsePhases } from "./phase-sets.ts";

/** What follows a JSDoc tag, up to the end of its line; `undefined` without the tag. */
export function tagText(node: ts.Node, tag: string): string | undefined {
  for (const part of ts.getJSDocCommentsAndTags(node)) {
    const comment = ts.isJSDoc(part) ? part : part.parent;
    const found = new RegExp(`@${tag}(?![\\w])([^\\n@]*)`).exec(comment.getText());
    if (found !== null) return (found[1] ?? "").replace(/\*\/\s*$/, "").trim();
  }
  return undefined;
}

/**
 * Where a declared API may run: its own tag `@phases`, else that of another overload, else that of the interface or
 * the module that it is a member of. `undefined` says that nothing is said.
 */
export function allowedPhases(
  declaration: ts.Declaration,
  checker: ts.TypeChecker,
): ReadonlySet<Phase> | undefined {
  const symbol = (declaration as { symbol?: ts.Symbol }).symbol;
  const hosts: ts.Node[] = [declaration, ...(symbol?.declarations ?? [])];
  for (let around: ts.Node = declaration.parent; !ts.isSourceFile(around); around = around.parent) {
    if (!ts.isInterfaceDeclaration(around) && !ts.isModuleDeclaration(around)) continue;
    // A namespace may be declared in several blocks and files, and one of them speaks for all.
    hosts.push(around, ...(checker.getSymbolAtLocation(around.name)?.declarations ?? []));
  }
  for (const host of hosts) {
    const text = tagText(host, "phases");
    if (text !== undefined && text !== "") return parsePhases(text);
  }
  return undefined;
}
