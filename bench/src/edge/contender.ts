import type { Requests } from "./load.ts";

/** A proxy in front of the upstream that all share, with the requests that it is measured by. */
export interface Contender {
  name: string;
  /** Name of the contender that gets the very same requests and checks nothing; its own for a reference. */
  reference: string;
  url: string;
  requests: Requests;
  /** The process that does the work. */
  workerPid: number;
  /** Requests that must be refused, each with the status that says so: proof that the checks are on. */
  refusals: Refusal[];
}

export interface Refusal {
  what: string;
  headers: Record<string, string>;
  status: number;
}

/** Sends one request of the kind that is measured, and all that must be refused; throws when it goes otherwise. */
export async function verify(contender: Contender): Promise<void> {
  const { url, requests, name } = contender;
  const [address = ""] = requests.addresses;
  const [token] = requests.tokens;
  const headers: Record<string, string> = { "x-forwarded-for": address };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  await expectStatus(`${name}: a good request`, url + requests.path, headers, 200);
  for (const refusal of contender.refusals) {
    const changed = { ...headers, ...refusal.headers };
    await expectStatus(`${name}: ${refusal.what}`, url + requests.path, changed, refusal.status);
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
