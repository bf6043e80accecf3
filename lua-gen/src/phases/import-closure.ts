import ts from "typescript";

/** The files themselves and all of the program's own that loading them loads; `import type` loads nothing. */
export function importClosure(program: ts.Program, files: readonly ts.SourceFile[]): Set<ts.SourceFile> {
  const checker = program.getTypeChecker();
  const found = new Set<ts.SourceFile>();
  const visit = (file: ts.SourceFile): void => {
    if (found.has(file) || file.isDeclarationFile) return;
    found.add(file);
    for (const statement of file.statements) {
      const isImport = ts.isImportDeclaration(statement) && statement.importClause?.isTypeOnly !== true;
      const isExport = ts.isExportDeclaration(statement) && !statement.isTypeOnly;
      if ((!isImport && !isExport) || statement.moduleSpecifier === undefined) continue;
      const declaration = checker.getSymbolAtLocation(statement.moduleSpecifier)?.valueDeclaration;
      if (declaration !== undefined && ts.isSourceFile(declaration)) visit(declaration);
    }
  };
  for (const file of files) visit(file);
  return found;
}
