/**
 * What is written down about a process that was started, so that a later command finds it again although
 * the one that started it is gone: `run/<name>.pid` (the bare number, for people and scripts) and
 * `run/<name>.json` (who exactly that number was, and how it fares).
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "./home.ts";
import { type Identity, identityOf, isAlive } from "./identity.ts";

export interface ProcessRecord {
  name: string;
  pid: number;
  identity: Identity;
  startedAt: string;
  ready: boolean;
  restarts: number;
  port?: number;
  /** Only of the supervisor: on which ports its system listens, whatever the environment says by now. */
  ports?: Record<string, number>;
}

export function writeRecord(home: Home, record: ProcessRecord): void {
  replaceFile(join(home.run, `${record.name}.json`), `${JSON.stringify(record)}\n`);
  replaceFile(join(home.run, `${record.name}.pid`), `${record.pid}\n`);
}

export function updateRecord(home: Home, name: string, change: Partial<ProcessRecord>): void {
  const record = readRecord(home, name);
  if (record) replaceFile(join(home.run, `${name}.json`), `${JSON.stringify({ ...record, ...change })}\n`);
}

export function removeRecord(home: Home, name: string): void {
  for (const suffix of ["pid", "json"]) rmSync(join(home.run, `${name}.${suffix}`), { force: true });
}

export function readRecord(home: Home, name: string): ProcessRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(home.run, `${name}.json`), "utf8")) as ProcessRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The record of a process that is alive right now, by its identity and not by its number only. */
export function livingRecord(home: Home, name: string): ProcessRecord | undefined {
  const record = readRecord(home, name);
  return record && isAlive(record.pid, record.identity) ? record : undefined;
}

export function recordedNames(home: Home): string[] {
  const files = readdirSync(home.run).filter((file) => file.endsWith(".json"));
  return files.map((file) => file.slice(0, -".json".length));
}

/** A record of a process that has just been started; throws when it is gone already. */
export function recordOf(name: string, pid: number, port: number | undefined, now: Date): ProcessRecord {
  const identity = identityOf(pid);
  if (!identity) throw new Error(`${name} ended as soon as it was started`);
  const record = { name, pid, identity, startedAt: now.toISOString(), ready: false, restarts: 0 };
  return port === undefined ? record : { ...record, port };
}

/** Readers never see half a file: written aside, then renamed. */
function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
