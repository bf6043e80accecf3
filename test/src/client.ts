/** One answer, read whole. `body` is the parsed JSON, or the text when it is no JSON. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the point of these tests is to look at bodies of any form
  body: any;
}

export interface RequestOptions {
  /** Access token, sent as a bearer token. */
  token?: string;
  /** Sent as the client address by the trusted proxy that the tests play. */
  from?: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it stands. */
  raw?: string | Uint8Array;
}

/** Longest wait for one answer, milliseconds: longer than any bound of the system's own. */
const ANSWER_TIMEOUT_MS = 20_000;

/** A client of one base address, as a browser or an operator's tool would be. */
export class Client {
  readonly #base: string;
  readonly #always: Record<string, string>;

  constructor(base: string, always: Record<string, string> = {}) {
    this.#base = base;
    this.#always = always;
  }

  get(path: string, options: RequestOptions = {}): Promise<Answer> {
    return this.request("GET", path, options);
  }

  post(path: string, json?: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.request("POST", path, json === undefined ? options : { ...options, json });
  }

  put(path: string, json: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.request("PUT", path, { ...options, json });
  }

  delete(path: string, options: RequestOptions = {}): Promise<Answer> {
    return this.request("DELETE", path, options);
  }

  async request(method: string, path: string, options: RequestOptions): Promise<Answer> {
    const headers: Record<string, string> = { ...this.#always, ...options.headers };
    if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`;
    if (options.from !== undefined) headers["x-forwarded-for"] = options.from;
    let body: string | Uint8Array | undefined = options.raw;
    if (options.json !== undefined) {
      headers["content-type"] = "application/json";
      body = JSON.stringify(options.json);
    }
    const response = await fetch(new URL(path, this.#base), {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parsed(text) };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
