import { spawnSync } from "node:child_process";
import type { Platform } from "./platform.ts";

export interface NginxFault {
  readonly level: "warn" | "error" | "crit" | "alert" | "emerg";
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
}

export interface CheckResult {
  /** Whether nginx would start with this. Warnings leave it true. */
  readonly ok: boolean;
  readonly faults: readonly NginxFault[];
}

/**
 * Has nginx itself read the file (`nginx -t`). It resolves names, loads the modules and opens the logs and the pid
 * file, all relative to `prefix`; nothing listens afterwards. Lua modules are not loaded, only their phases parsed.
 */
export function checkNginx(platform: Platform, file: string, prefix: string): CheckResult {
  const run = spawnSync(platform.binary, ["-t", "-c", file, "-p", `${prefix}/`, "-e", "stderr"], {
    encoding: "utf8",
  });
  if (run.error !== undefined) throw new Error(`cannot run ${platform.binary}`, { cause: run.error });
  const faults = parseFaults(run.stderr);
  const ok = run.status === 0;
  if (!ok && faults.length === 0) {
    return { ok, faults: [{ level: "emerg", message: run.stderr.trim() || `exit status ${run.status}` }] };
  }
  return { ok, faults };
}

function parseFaults(text: string): NginxFault[] {
  const faults: NginxFault[] = [];
  // The same line may come twice: as nginx's own message and through the error log.
  const seen = new Set<string>();
  for (const line of text.split("\n")) {
    const parsed = /\[(warn|error|crit|alert|emerg)\](?: \d+#\d+:)? (.*)$/.exec(line);
    if (parsed === null || seen.has(parsed[2] ?? "")) continue;
    const [, level, message = ""] = parsed;
    seen.add(message);
    const place = /^(.*) in (\S+):(\d+)$/.exec(message);
    faults.push({
      level: level as NginxFault["level"],
      message: place?.[1] ?? message,
      ...(place === null ? {} : { file: place[2], line: Number(place[3]) }),
    });
  }
  return faults;
}
