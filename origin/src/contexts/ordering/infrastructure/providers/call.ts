import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../../../../platform/logger.ts";
import { paymentLimits } from "../../application/limits.ts";

export interface ProviderCall {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly logger: Logger;
}

export interface ProviderAnswer {
  readonly status: number;
  readonly json: unknown;
}

/**
 * One call of a provider's API, which is repeated while its connection fails or its answer says that it may be tried
 * again (409, 429, 5xx): so it must be idempotent. Undefined when there is no answer in time, or none that can be read;
 * a call that hangs is not repeated, for its time is gone.
 */
export async function callProvider(call: ProviderCall): Promise<ProviderAnswer | undefined> {
  let failure = "";
  for (let attempt = 1; attempt <= paymentLimits.providerAttemptsMax; attempt++) {
    if (attempt > 1) await delay(paymentLimits.providerRetryMs * 2 ** (attempt - 2));
    try {
      const answer = await callOnce(call);
      if (!isWorthRepeating(answer.status)) return answer;
      failure = `answered ${answer.status}`;
    } catch (error) {
      failure = describe(error);
      if ((error as Error).name === "TimeoutError") break;
    }
  }
  const { method, url, logger } = call;
  logger.warn({ method, path: url.pathname, err: failure }, "the payment provider gave no answer");
  return undefined;
}

async function callOnce({ method, url, headers, body }: ProviderCall): Promise<ProviderAnswer> {
  const response = await fetch(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    redirect: "error",
    signal: AbortSignal.timeout(paymentLimits.providerTimeoutMs),
  });
  const { status } = response;
  return { status, json: parse(await limitedText(response)) };
}

async function limitedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > paymentLimits.providerAnswerBytesMax) throw new Error("answered far too much");
  }
  return text + decoder.decode();
}

/** Something in between may answer with a page instead: whoever reads the answer finds nothing in it. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isWorthRepeating(status: number): boolean {
  return status === 409 || status === 429 || status >= 500;
}

function describe(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
