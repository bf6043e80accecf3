/**
 * Who imports whom. Type-only imports count: a layer that knows another's types knows that layer.
 */
import { relative } from "node:path";
import ts from "typescript";
import { sourcePaths, type Tree } from "../tree.ts";

export interface Import {
  readonly from: string;
  readonly line: number;
  /** As it is written. */
  readonly specifier: string;
  /** The file of this repository that it means; undefined for packages and built-in modules. */
  readonly to: string | undefined;
}

const graphs = new WeakMap<Tree, readonly Import[]>();

/** Every import and re-export of every source; made once for all checks of a tree. */
export function importsOf(tree: Tree): readonly Import[] {
  const known = graphs.get(tree);
  if (known !== undefined) return known;
  const resolve = resolverFor(tree);
  const imports = sourcePaths(tree).flatMap((from) => importsIn(tree, from, resolve));
  graphs.set(tree, imports);
  return imports;
}

type Resolve = (from: string, specifier: string) => string | undefined;

function importsIn(tree: Tree, from: string, resolve: Resolve): Import[] {
  const source = tree.syntax(from);
  // preProcessFile scans without parsing; it sees dynamic imports and `import("…")` types as well.
  return ts.preProcessFile(tree.read(from), true, true).importedFiles.map(({ fileName, pos }) => ({
    from,
    line: source.getLineAndCharacterOfPosition(pos).line + 1,
    specifier: fileName,
    to: resolve(from, fileName),
  }));
}

/** Node's resolution, as the compiler does it: workspace packages are symbolic links and lead back into the tree. */
function resolverFor(tree: Tree): Resolve {
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
  };
  const cache = ts.createModuleResolutionCache(tree.root, (name) => name, options);
  return (from, specifier) => {
    if (specifier.startsWith("node:")) return undefined;
    const containing = `${tree.root}/${from}`;
    const { resolvedModule } = ts.resolveModuleName(
      specifier,
      containing,
      options,
      ts.sys,
      cache,
      undefined,
      ts.ModuleKind.ESNext,
    );
    if (resolvedModule === undefined) return undefined;
    const path = relative(tree.root, resolvedModule.resolvedFileName);
    return tree.has(path) ? path : undefined;
  };
}
