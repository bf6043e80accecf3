/** A request to a provider, its answer read whole. Four in a row stay within the edge's patience of ten seconds. */
export const providerLimits = { timeoutMs: 2_000, bytesMax: 256 * 1024 } as const;

/** The provider doesn't answer, or answers that it can't. */
export class ProviderUnreachable extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "ProviderUnreachable";
  }
}

/**
 * `fetch`, bounded in time and size. What providers get wrong themselves, a 5xx, is as if they had not answered.
 * Messages name the host only: some providers want secrets in the query.
 */
export async function fetchFromProvider(url: string, options: RequestInit = {}): Promise<Response> {
  const { host } = new URL(url);
  const signal = AbortSignal.timeout(providerLimits.timeoutMs);
  try {
    const answer = await fetch(url, { ...options, redirect: "manual", signal });
    if (answer.status >= 500) throw new ProviderUnreachable(`${host} answered ${answer.status}`);
    const body = answer.body === null ? null : await readBounded(answer.body, host);
    return new Response(body, { status: answer.status, headers: answer.headers });
  } catch (error) {
    if (error instanceof ProviderUnreachable) throw error;
    throw new ProviderUnreachable(
      signal.aborted ? `${host} did not answer in time` : `${host} can't be reached`,
    );
  }
}

async function readBounded(body: ReadableStream<Uint8Array>, host: string): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > providerLimits.bytesMax) throw new ProviderUnreachable(`${host} answered with too much`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Libraries wrap what their `fetch` throws. */
export function unreachableIn(error: unknown): ProviderUnreachable | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof ProviderUnreachable) return at;
  return undefined;
}
