/**
 * Speaks to the operators' listener: of the private system that runs here, or of the one that SLUICE_OPS_URL
 * names. The commands stay thin on purpose: every rule stands in the origin, once.
 */
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { openHome } from "../process/home.ts";
import { LOOPBACK } from "../process/ports.ts";
import { readSettings } from "../settings.ts";
import { runningSettings } from "../system/running-settings.ts";
import { makeSecrets } from "../system/secrets.ts";

export interface OperatorsAnswer {
  body: unknown;
  /** Of a policy: its revision. */
  etag: string | undefined;
}

export interface OperatorsCall {
  query?: Record<string, string | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
}

const ANSWER_TIMEOUT_MS = 30_000;

/** Throws what the listener says of a refusal: its code and its sentence. */
export async function callOperators(
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  { query = {}, body, headers = {} }: OperatorsCall = {},
): Promise<OperatorsAnswer> {
  const { url, token } = operatorsListener();
  const target = new URL(path, url);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) target.searchParams.set(name, value);
  const response = await fetch(target, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(refusal(method, target.pathname, response.status, text));
  return {
    body: text === "" ? undefined : JSON.parse(text),
    etag: response.headers.get("etag")?.replaceAll('"', "") ?? undefined,
  };
}

/** A run over much data may take its time; between two lines of its answer there is progress. */
const STREAM_TIMEOUT_MS = 600_000;

/** Sends lines of JSON, or one, and yields what comes back, line by line. */
export async function* streamOperators(
  path: string,
  contentType: "application/json" | "application/x-ndjson",
  lines: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  method: "POST" | "DELETE" = "POST",
): AsyncGenerator<unknown> {
  const { url, token } = operatorsListener();
  const response = await fetch(new URL(path, url), {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": contentType,
      accept: "application/x-ndjson",
    },
    body: Readable.toWeb(Readable.from(lines)) as ReadableStream,
    duplex: "half",
    signal: AbortSignal.timeout(STREAM_TIMEOUT_MS),
  } as RequestInit);
  if (!response.ok || response.body === null) {
    throw new Error(refusal(method, path, response.status, await response.text()));
  }
  let rest = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const complete = (rest + chunk).split("\n");
    rest = complete.pop() as string;
    for (const line of complete) yield JSON.parse(line);
  }
}

/** What is answered as lines of JSON, as they come. */
export async function downloadOperators(path: string): Promise<Readable> {
  const { url, token } = operatorsListener();
  const headers = { authorization: `Bearer ${token}`, accept: "application/x-ndjson" };
  const signal = AbortSignal.timeout(STREAM_TIMEOUT_MS);
  const response = await fetch(new URL(path, url), { headers, signal });
  if (!response.ok || response.body === null) {
    throw new Error(refusal("GET", path, response.status, await response.text()));
  }
  return Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
}

function operatorsListener(): { url: string; token: string } {
  const settings = readSettings();
  if (settings.remote) {
    return { url: settings.remote.opsUrl, token: readFileSync(settings.remote.opsTokenFile, "utf8").trim() };
  }
  const running = runningSettings(settings);
  if (!running)
    throw new Error("Nothing is running here: `npm start` first, or name a system by SLUICE_OPS_URL.");
  const { opsTokenFile } = makeSecrets(openHome(running.homeRoot));
  return { url: `http://${LOOPBACK}:${running.ports.ops}`, token: readFileSync(opsTokenFile, "utf8").trim() };
}

/** RFC 9457 when the listener itself answers; something in between may answer otherwise. */
function refusal(method: string, path: string, status: number, text: string): string {
  const problem = parseProblem(text);
  if (!problem) return `${method} ${path} answers ${status}: ${text.slice(0, 300)}`;
  const faults = Array.isArray(problem.errors) ? `\n${JSON.stringify(problem.errors, null, 2)}` : "";
  return `${problem.code}: ${problem.detail ?? problem.title ?? ""} (${status}, request ${problem.requestId})${faults}`;
}

function parseProblem(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && "code" in value ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
