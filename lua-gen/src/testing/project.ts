import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packageDir = fileURLToPath(new URL("../..", import.meta.url));

/** A project in a folder of its own, compiled with lua-gen's own settings and typings. */
export interface TestProject {
  readonly dir: string;
  readonly outDir: string;
  path(name: string): string;
  write(name: string, text: string): void;
  remove(): void;
}

/** `files` are sources by their path under `src/`. */
export function createProject(files: Readonly<Record<string, string>>): TestProject {
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  const project: TestProject = {
    dir,
    outDir: join(dir, "dist"),
    path: (name) => join(dir, "src", name),
    write(name, text) {
      const path = join(dir, "src", name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
  writeFileSync(join(dir, "tsconfig.json"), JSON.stringify(settings));
  for (const [name, text] of Object.entries(files)) project.write(name, text);
  return project;
}

const settings = {
  extends: join(packageDir, "tsconfig.lua.json"),
  compilerOptions: {
    rootDir: "src",
    outDir: "dist",
    skipLibCheck: false,
    types: [join(packageDir, "types")],
  },
  include: ["src"],
};
