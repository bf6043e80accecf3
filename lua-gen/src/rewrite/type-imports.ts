import ts from "typescript";
import type * as tstl from "typescript-to-lua";

/**
 * Types leave no trace in Lua. With `verbatimModuleSyntax` TypeScriptToLua takes `import type` at its word and
 * requires the module, which can close a circle of requires that isn't there.
 */
export const typeImports: tstl.Plugin = {
  visitors: {
    [ts.SyntaxKind.ImportDeclaration]: (node, context) => {
      const kept = keepValueImports(node);
      return kept === undefined ? [] : context.superTransformStatements(kept);
    },
    [ts.SyntaxKind.ExportDeclaration]: (node, context) => {
      const kept = keepValueExports(node);
      return kept === undefined ? [] : context.superTransformStatements(kept);
    },
  },
};

const { factory } = ts;

/** The declaration without its types; `undefined` when it had nothing else. */
function keepValueImports(node: ts.ImportDeclaration): ts.ImportDeclaration | undefined {
  const { importClause } = node;
  if (importClause === undefined) return node;
  if (importClause.isTypeOnly) return undefined;
  const bindings = importClause.namedBindings;
  if (bindings === undefined || !ts.isNamedImports(bindings)) return node;
  const values = bindings.elements.filter((element) => !element.isTypeOnly);
  if (values.length === bindings.elements.length) return node;
  if (values.length === 0 && importClause.name === undefined) return undefined;
  const named = factory.updateNamedImports(bindings, values);
  const clause = factory.updateImportClause(
    importClause,
    importClause.phaseModifier,
    importClause.name,
    named,
  );
  return factory.updateImportDeclaration(node, node.modifiers, clause, node.moduleSpecifier, node.attributes);
}

function keepValueExports(node: ts.ExportDeclaration): ts.ExportDeclaration | undefined {
  if (node.isTypeOnly) return undefined;
  const clause = node.exportClause;
  if (clause === undefined || !ts.isNamedExports(clause)) return node;
  const values = clause.elements.filter((element) => !element.isTypeOnly);
  if (values.length === clause.elements.length) return node;
  if (values.length === 0) return undefined;
  const named = factory.updateNamedExports(clause, values);
  return factory.updateExportDeclaration(
    node,
    node.modifiers,
    node.isTypeOnly,
    named,
    node.moduleSpecifier,
    node.attributes,
  );
}
