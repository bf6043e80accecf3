import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** A secret that is made on first use and stays the same from then on; the file is for its owner only. */
export function secretIn(path: string, make: () => string = randomSecret): string {
  if (!existsSync(path)) writeFileSync(path, `${make()}\n`, { mode: 0o600, flag: "wx" });
  return readFileSync(path, "utf8").trim();
}

/** 192 bits, in characters that need no quoting in URLs, SQL, configuration files or shells. */
export function randomSecret(): string {
  return randomBytes(24).toString("hex");
}
