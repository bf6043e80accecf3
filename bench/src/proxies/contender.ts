import type { Requests } from "./load.ts";

/** A proxy in front of the upstream that all share, with the requests that it is measured by. */
export interface Contender {
  name: string;
  /** What every request of the load is answered; 200 for one that gets through. */
  status: number;
  /** What a few are answered where a limit is measured, of which some comes back with time. */
  sometimes?: number;
  /** Name of the contender that gets the very same requests and checks nothing; its own for a reference. */
  reference: string;
  url: string;
  requests: Requests;
  /** The process that does the work. */
  workerPid: number;
  /** Requests that are answered otherwise, each with its status: proof that the checks are on. */
  exceptions: Exception[];
}

export interface Exception {
  what: string;
  headers: Record<string, string>;
  status: number;
}

/** So many at once show whether a limit is used up. */
const LIMIT_PROBES = 40;

/**
 * Sends requests of the kind that is measured, from all over the list of them, and all exceptions; throws when one goes
 * otherwise.
 */
export async function verify(contender: Contender, count = 1): Promise<void> {
  const { url, requests, name } = contender;
  const { addresses } = requests;
  const requestAt = (index: number) => {
    const token = requests.tokens[index % Math.max(1, requests.tokens.length)];
    const headers: Record<string, string> = { "x-forwarded-for": addresses[index] ?? "" };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    return { path: requests.paths[index % requests.paths.length] ?? "/", headers };
  };
  const what = `${name}: a request of the load`;
  const { status, sometimes = status } = contender;
  // At once, so that little of a limit comes back meanwhile.
  const probes = sometimes === status ? count : Math.max(count, LIMIT_PROBES);
  const seen = await Promise.all(
    Array.from({ length: probes }, (_, probe) => {
      const { path, headers } = requestAt(Math.floor((probe * addresses.length) / probes));
      return expectStatus(what, url + path, headers, status, sometimes);
    }),
  );
  if (seen.filter((one) => one === status).length * 2 < probes) {
    throw new Error(`${what} is answered ${sometimes} as often as ${status}`);
  }
  const { path, headers } = requestAt(0);
  for (const exception of contender.exceptions) {
    const changed = { ...headers, ...exception.headers };
    await expectStatus(`${name}: ${exception.what}`, url + path, changed, exception.status);
  }
}

async function expectStatus(
  what: string,
  url: string,
  headers: Record<string, string>,
  status: number,
  other = status,
): Promise<number> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(5000) });
  const body = await response.text();
  if (response.status === status || response.status === other) return response.status;
  throw new Error(`${what} is answered ${response.status} and not ${status}: ${body.slice(0, 200)}`);
}
