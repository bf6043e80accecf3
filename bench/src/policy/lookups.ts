/**
 * Single lookups among a million mixed entries, in LuaJIT, by the table that edge workers have. Held against one look
 * into a Lua table with a text for each entry: the least that a lookup could cost, which knows no networks and has
 * its texts made already.
 */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { checkout } from "../../../cli/src/settings.ts";
import { onCores } from "../proxies/processor.ts";
import { type Measurement, median } from "../suite.ts";

const SUITE = "policy";
const REFERENCE = "a text in a Lua table";
const NAMES: Record<string, string> = {
  table: REFERENCE,
  "ipv4-elsewhere": "IPv4, anywhere",
  "ipv4-neighbour": "IPv4, in a /24 with an entry",
  "ipv4-listed": "IPv4, listed",
  "ipv6-elsewhere": "IPv6, anywhere",
  "ipv6-neighbour": "IPv6, in a network with an entry",
  "ipv6-listed": "IPv6, listed",
};

/** Takes the compiled edge. */
export async function measureLookups(folder: string, blocks: readonly string[]): Promise<Measurement[]> {
  const file = join(folder, "blocks.txt");
  writeFileSync(file, `${blocks.join("\n")}\n`);
  const script = join(import.meta.dirname, "lookups.lua");
  const [command, args] = onCores("proxy", "luajit", [script, join(checkout, "edge/dist"), file]);
  const { stdout } = await promisify(execFile)(command, args);
  const samples = new Map<string, number[]>();
  for (const line of stdout.trimEnd().split("\n")) {
    const [name = "", nanoseconds] = line.split(" ");
    samples.set(name, [...(samples.get(name) ?? []), Number(nanoseconds)]);
  }
  const base = median(samples.get("table") ?? []);
  return Object.entries(NAMES).map(([key, name]) => {
    const taken = samples.get(key) ?? [];
    const value = median(taken);
    return {
      suite: SUITE,
      name,
      value,
      unit: "ns/lookup",
      reference: REFERENCE,
      ratio: value / base,
      samples: taken,
    };
  });
}
