/**
 * Load by wrk: one thread, keep-alive, a fixed number of connections, requests that are made before the clock
 * starts and sent in turn.
 */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { onCores } from "./processor.ts";

export const CONNECTIONS = 32;

export interface Requests {
  /** Asked in turn, as all lists here are. */
  paths: readonly string[];
  /** Client addresses, sent in `X-Forwarded-For`. As many different requests are made as there are addresses. */
  addresses: readonly string[];
  /** Sent as bearer tokens, one with each request; none when empty. */
  tokens: readonly string[];
}

export interface LoadResult {
  requests: number;
  durationSeconds: number;
  /** Answers that are neither 2xx nor 3xx. */
  refused: number;
  /** Connections that broke, or were not answered in time. */
  failures: number;
  /** What the slowest answer took. */
  longestMs: number;
}

/** `first` is the request to begin with, counted from 0, so that a script can go on where it stopped. */
export async function applyLoad(
  script: string,
  url: string,
  seconds: number,
  { first = 0, connections = CONNECTIONS } = {},
): Promise<LoadResult> {
  const wrk = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "5s", "-s", script, url, "--"];
  const { stdout } = await promisify(execFile)(...onCores("rest", "wrk", [...wrk, String(first)]));
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Error(`wrk did not say what it did:\n${stdout}`);
  return JSON.parse(line) as LoadResult;
}

/** Ends a wrk script: sends what `made` holds in turn (`at` counts), and reports a {@link LoadResult}. */
export const IN_TURN_AND_REPORTED = `function request()
  at = at % #made + 1
  return made[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"durationSeconds":%f,"refused":%d,"failures":%d,"longestMs":%f}\\n',
    summary.requests, summary.duration / 1e6, e.status, e.connect + e.read + e.write + e.timeout, latency.max / 1e3))
end
`;

/** Writes the wrk script that sends these requests. */
export function writeScript(folder: string, name: string, requests: Requests): string {
  const file = join(folder, `${name}.lua`);
  const list = (values: readonly string[]) => values.map((value) => JSON.stringify(value)).join(",\n");
  writeFileSync(
    file,
    `local paths = {${list(requests.paths)}}
local addresses = {${list(requests.addresses)}}
local tokens = {${list(requests.tokens)}}
local made = {}
local at = 0

function init(args)
  at = tonumber(args[1] or "0")
  for i = 1, #addresses do
    local headers = { ["X-Forwarded-For"] = addresses[i], ["Host"] = "bench.example" }
    if #tokens > 0 then headers["Authorization"] = "Bearer " .. tokens[(i - 1) % #tokens + 1] end
    made[i] = wrk.format("GET", paths[(i - 1) % #paths + 1], headers)
  end
end

${IN_TURN_AND_REPORTED}`,
  );
  return file;
}
