import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type Home, openHome } from "./home.ts";

/** A home of its own for one test file, removed after it. */
export function testHome(): Home {
  const folder = mkdtempSync(join(tmpdir(), "sluice-home-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return openHome(folder);
}
