import ts from "typescript";
import { tagText } from "../phases/tags.ts";

/** The function around `node`, when `@hot` stands above it: it runs for every request, and many times a second. */
export function hotFunctionAround(node: ts.Node): ts.Node | undefined {
  const around = ts.findAncestor(node.parent, (one) => ts.isFunctionLike(one));
  return around !== undefined && isHot(around) ? around : undefined;
}

function isHot(node: ts.Node): boolean {
  const host =
    ts.isVariableDeclaration(node.parent) || ts.isPropertyAssignment(node.parent) ? node.parent : node;
  return tagText(host, "hot") !== undefined;
}
