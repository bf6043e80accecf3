import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, parseOptions } from "./command.ts";

const templateDir = fileURLToPath(new URL("../../template", import.meta.url));

const scripts = {
  build: "lua-gen build",
  check: "lua-gen check",
  start: "lua-gen watch nginx.ts",
};

export const initCommand: Command = {
  name: "init",
  summary: "write a project that answers requests",
  help: `lua-gen init [FOLDER]

Writes a hello-world project into the folder (default: the current one): tsconfig.json, nginx.ts with one server,
src/hello.ts that answers, and package.json scripts. It refuses where one of these files exists already; an existing
package.json is kept and gets "type": "module" and the scripts that it lacks.

  npm start            then builds it, starts nginx on 127.0.0.1:8088 and follows your changes`,
  run(args) {
    const { positionals } = parseOptions(args, {}, 1);
    const folder = resolve(positionals[0] ?? ".");
    const files = readdirSync(templateDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(templateDir.length + 1))
      .toSorted();
    const taken = files.filter((file) => existsSync(join(folder, file)));
    if (taken.length > 0) {
      console.error(`error: ${folder} has ${taken.join(", ")} already; nothing was written`);
      return 1;
    }
    for (const file of files) {
      const path = join(folder, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, readFileSync(join(templateDir, file)));
    }
    writePackage(join(folder, "package.json"));
    console.log(
      `wrote ${files.join(", ")} and package.json\nnext: npm start, then curl http://127.0.0.1:8088/`,
    );
    return 0;
  },
};

interface PackageJson {
  type?: string;
  scripts?: Record<string, string>;
}

/** What else is in the file stays, in its order. */
function writePackage(path: string): void {
  const existing: PackageJson = existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as PackageJson)
    : ({ private: true } as PackageJson);
  const json: PackageJson = { ...existing, type: "module", scripts: { ...scripts, ...existing.scripts } };
  writeFileSync(path, `${JSON.stringify(json, undefined, 2)}\n`);
}
