/**
 * The compiled country table of the edge. Compiling takes seconds and its sources rarely change, so it is
 * done again only when what it was made from has: which file, how long, how old, by which compiler.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const COMPILER = "edge/geo/compile-ranges.ts";
/** What it goes by besides the file. */
const RULES = "contract/src/policy/country.ts";

export async function compileGeoTable(
  checkout: string,
  source: string,
  target: string,
  compile: (script: string, args: string[]) => Promise<void>,
): Promise<void> {
  if (!existsSync(source)) throw new Error(`GEOIP_COUNTRY_DB: there is no file ${source}`);
  const origin = [source, join(checkout, COMPILER), join(checkout, RULES)].map(fingerprint).join("\n");
  const stamp = `${target}.from`;
  if (existsSync(target) && existsSync(stamp) && readFileSync(stamp, "utf8") === origin) return;
  await compile(COMPILER, [source, target]);
  writeFileSync(stamp, origin);
}

function fingerprint(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${path} ${size} ${mtimeMs}`;
}
