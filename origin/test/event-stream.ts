import assert from "node:assert/strict";

export interface SentEvent {
  readonly event: string;
  readonly id: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any;
}

/** A listener as a browser's EventSource is one, but for that it connects again only when it is told to. */
export interface EventStream {
  /** The next event but `ready`, or undefined when the stream has ended or broken. */
  next(): Promise<SentEvent | undefined>;
  /** The id of the last event, `ready` too: what a browser sends when it connects again. */
  lastId(): number;
  close(): Promise<void>;
}

/** Resolves after `ready`; throws with the problem's code when the stream is refused. */
export async function listen(
  url: string,
  token: string,
  lastEventId?: number | string,
): Promise<EventStream> {
  const abort = new AbortController();
  const response = await fetch(`${url}/orders/events`, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) }),
    },
    signal: abort.signal,
  });
  if (!response.ok || response.body === null) {
    throw new Error(`${response.status} ${((await response.json()) as { code: string }).code}`);
  }
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  const events = sentEvents(response.body);
  let last = -1;
  const read = async () => {
    const { value } = await events.next().catch(() => ({ value: undefined }));
    if (value !== undefined) last = value.id;
    return value;
  };
  assert.equal((await read())?.event, "ready");
  return {
    next: read,
    lastId: () => last,
    close: async () => abort.abort(),
  };
}

export async function* sentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SentEvent, undefined> {
  let rest = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]));
      const [event, id, data] = [fields.get("event"), fields.get("id"), fields.get("data")];
      // Comments and `retry` come without an event.
      if (event !== undefined) yield { event, id: Number(id), data: JSON.parse(data ?? "null") };
    }
  }
  return undefined;
}
