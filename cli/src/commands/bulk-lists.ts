import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { downloadOperators, streamOperators } from "../operators/client.ts";
import { finish } from "./finish.ts";

interface Progress {
  done: number;
  unchanged: number;
  faulty: number;
}

type Event = { fault: { line: number; message: string } } | { progress: Progress };

interface ImportOptions {
  remove?: boolean;
  json?: boolean;
}

/** Whole lists as lines of JSON: bounded memory here and there, whatever their length. */
export function addBulkCommands(program: Command): void {
  const lists = program.command("lists").description("whole allow and deny lists, as lines of JSON");
  lists
    .command("import")
    .description(
      'put every line {"cidr","reason","source","expiresAt"} into a list; doing it again changes nothing',
    )
    .argument("<list>", "allow or deny")
    .argument("<file>", "- for standard input")
    .option("--remove", "take these off the list instead")
    .option("--json", "for programs")
    .action((list, file, options) => finish(importLines(nameOf(list), file, options)));
  lists
    .command("export")
    .description("print every entry as a line that `import` takes")
    .argument("<list>", "allow or deny")
    .action((list) => finish(exportLines(nameOf(list))));
}

/** Of a document for programs; all of them are told of on standard error. */
const FAULTS_IN_JSON_MAX = 1_000;

/** Exit code 1 when a line was not understood; the others count all the same. */
async function importLines(list: string, file: string, { remove, json }: ImportOptions): Promise<number> {
  const lines = file === "-" ? process.stdin : createReadStream(file);
  const method = remove ? "DELETE" : "POST";
  const answers = streamOperators(`/lists/${list}`, "application/x-ndjson", lines, method);
  const faults: { line: number; message: string }[] = [];
  let progress: Progress | undefined;
  const isTerminal = process.stderr.isTTY;
  for await (const answer of answers) {
    const event = answer as Event;
    if ("fault" in event) {
      const { line, message } = event.fault;
      if (faults.length < FAULTS_IN_JSON_MAX) faults.push(event.fault);
      if (!json) process.stderr.write(`${isTerminal ? "\r\x1b[K" : ""}line ${line}: ${message}\n`);
    } else {
      progress = event.progress;
      if (isTerminal) process.stderr.write(`\r\x1b[K  … ${progress.done} ${remove ? "removed" : "put"}`);
    }
  }
  if (isTerminal) process.stderr.write("\r\x1b[K");
  if (progress === undefined) throw new Error("the answer ended before the result: see the log of api");
  const { done, unchanged, faulty } = progress;
  if (json) console.log(JSON.stringify({ ...progress, faults }, null, 2));
  else {
    const same = unchanged > 0 ? `, ${unchanged} of them were there just so` : "";
    const passedOver = faulty > 0 ? `; ${faulty} lines were not understood and passed over` : "";
    console.log(`${done} ${remove ? "removed from" : "put into"} the ${list} list${same}${passedOver}`);
  }
  return faulty === 0 ? 0 : 1;
}

async function exportLines(list: string): Promise<number> {
  await pipeline(await downloadOperators(`/lists/${list}`), process.stdout, { end: false });
  return 0;
}

function nameOf(list: string): "allow" | "deny" {
  if (list === "allow" || list === "deny") return list;
  throw new Error(`there is no list "${list}"; there are allow and deny`);
}
