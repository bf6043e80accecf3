import { readFileSync } from "node:fs";

/** The document in a file, or on standard input (`-`). Whether it is a policy the origin says. */
export function readPolicyFile(file: string): unknown {
  const text = readFileSync(file === "-" ? 0 : file, "utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
