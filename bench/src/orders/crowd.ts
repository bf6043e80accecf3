/**
 * A crowd that orders through the edge, by wrk: one thread, kept connections, each request with a token of one of
 * the buyers, a key of its own and one product in turn.
 */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { post } from "../whole-system.ts";

export interface CrowdResult {
  orders: number;
  durationSeconds: number;
  p50Ms: number;
  p99Ms: number;
}

export interface Crowd {
  edgeUrl: string;
  tokens: readonly string[];
  /** The folder for the script. */
  folder: string;
}

/** Registers buyers at the edge. Passwords are slow to hash, so few do for many orders. */
export async function gatherCrowd(edgeUrl: string, folder: string, buyers: number): Promise<Crowd> {
  const tokens: string[] = [];
  for (let buyer = 1; buyer <= buyers; buyer++) {
    const credentials = { username: `buyer-${buyer}`, password: `a long password ${buyer}` };
    const registered = await post(`${edgeUrl}/auth/register`, credentials, {
      "x-forwarded-for": addressOf(buyer),
    });
    tokens.push(String(registered.accessToken));
  }
  return { edgeUrl, tokens, folder };
}

/** Throws when one order is not answered by 201: that would be no measurement. */
export async function order(
  crowd: Crowd,
  run: string,
  productIds: readonly number[],
  seconds: number,
  connections: number,
): Promise<CrowdResult> {
  const script = `${crowd.folder}/${run}.lua`;
  writeFileSync(script, scriptOf(crowd.tokens, run, productIds));
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script];
  const { stdout } = await promisify(execFile)("wrk", [...args, `${crowd.edgeUrl}/orders`]);
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Error(`wrk did not say what it did:\n${stdout}`);
  const { failures, first, ...result } = JSON.parse(line) as CrowdResult & {
    failures: number;
    first: string;
  };
  if (failures > 0) throw new Error(`${failures} of ${result.orders} orders failed, the first with ${first}`);
  return result;
}

function addressOf(buyer: number): string {
  return `198.18.${(buyer >> 8) & 255}.${buyer & 255}`;
}

function scriptOf(tokens: readonly string[], run: string, productIds: readonly number[]): string {
  const headers = tokens.map((token, index) => `{"${token}", "${addressOf(index + 1)}"}`);
  return `local buyers = {${headers.join(",\n")}}
local products = {${productIds.join(",")}}
local at = 0
first = ""

function request()
  at = at + 1
  local buyer = buyers[at % #buyers + 1]
  return wrk.format("POST", nil, {
    ["Host"] = "bench.example",
    ["Content-Type"] = "application/json",
    ["Authorization"] = "Bearer " .. buyer[1],
    ["X-Forwarded-For"] = buyer[2],
    ["Idempotency-Key"] = "${run}-" .. at,
  }, '{"lines":[{"productId":' .. products[at % #products + 1] .. ',"quantity":1}]}')
end

function response(status, headers, body)
  if status ~= 201 and first == "" then first = status .. " " .. body end
end

function setup(thread)
  worker = thread
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"orders":%d,"durationSeconds":%f,"p50Ms":%f,"p99Ms":%f,"failures":%d,"first":%q}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status + e.connect + e.read + e.write + e.timeout, string.gsub(worker:get("first"), "[^%w%. ]", " ")))
end
`;
}
