import type { Requests } from "./load.ts";

/** A proxy in front of the upstream that all share, with the requests that it is measured by. */
export interface Contender {
  name: string;
  /** What every request of the load is answered; 200 for one that gets through. */
  status: number;
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

/** Sends one request of the kind that is measured, and all exceptions; throws when it goes otherwise. */
export async function verify(contender: Contender): Promise<void> {
  const { url, requests, name } = contender;
  const [address = ""] = requests.addresses;
  const [token] = requests.tokens;
  const [path = "/"] = requests.paths;
  const headers: Record<string, string> = { "x-forwarded-for": address };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  await expectStatus(`${name}: a request of the load`, url + path, headers, contender.status);
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
): Promise<void> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(5000) });
  const body = await response.text();
  if (response.status === status) return;
  throw new Error(`${what} is answered ${response.status} and not ${status}: ${body.slice(0, 200)}`);
}
