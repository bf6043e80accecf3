import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { HEADER_REQUEST_ID } from "@sluice/contract/headers.ts";
import Type from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import { eventLimits } from "../application/limits.ts";
import type { Listener, OrderEvent, TellEvents } from "../application/tell-events.ts";
import { orderingErrors } from "../errors.ts";

/** Whether a session was ended; what nobody can say at the moment is false. */
export type SessionEnded = (sessionId: string) => Promise<boolean>;

const Headers = Type.Object({
  "last-event-id": Type.Optional(
    Type.String({ description: "The `id` of the last event that was heard; from now on without it" }),
  ),
});

/**
 * Server-sent events (WHATWG HTML, 9.2): one stream for each connection, which ends when the token or the session
 * does, when the client is too slow, or when the process stops. A client connects again by itself, with the id of
 * the last event that it heard.
 *
 *     retry: 1000
 *     event: ready     id: 41   data: {"lastEventId":41}      first of all: what comes is behind 41
 *     event: order     id: 43   data: {"orderId":…,"from":"PENDING_PAYMENT","status":"PAID","reason":…,"at":…}
 *     : beat                                                  when nothing has happened for a while
 */
export function addEventRoute(app: HttpServer, tell: TellEvents, sessionEnded: SessionEnded): void {
  app.addHook("preClose", async () => tell.close());

  app.get(
    "/orders/events",
    { config: { access: "user" }, schema: { tags: ["ordering"], headers: Headers, produces: [mediaType] } },
    async (request, reply) => {
      const after = numberOf(request.headers["last-event-id"]);
      const { id: userId, sessionId } = request.user;
      const listener = await tell.listen(userId, after);
      const response = reply.raw;
      response.once("close", listener.close);
      reply.hijack();
      response.writeHead(200, {
        "content-type": mediaType,
        "cache-control": "no-store",
        "x-accel-buffering": "no",
        [HEADER_REQUEST_ID]: request.id,
      });
      if (request.method === "HEAD") return void response.end();
      const mayGoOn = async () => (await request.isStillAllowed()) && !(await sessionEnded(sessionId));
      try {
        await stream(response, listener, mayGoOn);
        response.end();
      } catch (error) {
        // The client finds out by the end of the stream, and what it missed by its last id.
        request.log.warn({ err: (error as Error).message }, "a stream of order events broke");
        response.destroy();
      } finally {
        listener.close();
      }
    },
  );
}

const mediaType = "text/event-stream; charset=utf-8";

/** Returns when there will be no more; throws when the client reads too slowly. */
async function stream(
  response: ServerResponse,
  listener: Listener,
  mayGoOn: () => Promise<boolean>,
): Promise<void> {
  const { after } = listener;
  await send(
    response,
    `retry: ${eventLimits.retryMs}\n\nevent: ready\nid: ${after}\ndata: {"lastEventId":${after}}\n\n`,
  );
  for (;;) {
    const events = await listener.next(eventLimits.beatMs);
    if (events === undefined || !(await mayGoOn())) return;
    await send(response, events.length === 0 ? ": beat\n\n" : events.map(textOf).join(""));
  }
}

/** Waits until the kernel has taken it, so that at most one batch waits in memory for each client. */
async function send(response: ServerResponse, text: string): Promise<void> {
  if (response.write(text) || response.destroyed) return;
  const stop = new AbortController();
  const { signal } = stop;
  const patience = delay(eventLimits.slowReaderMs, "slow", { signal });
  const drained = Promise.race([once(response, "drain", { signal }), once(response, "close", { signal })]);
  const outcome = await Promise.race([drained, patience]);
  stop.abort();
  await Promise.allSettled([drained, patience]);
  if (outcome === "slow") throw new Error("the client reads too slowly");
}

function textOf({ number, orderId, from, status, reason, atMs }: OrderEvent): string {
  const data = JSON.stringify({
    orderId,
    from: from ?? null,
    status,
    reason,
    at: new Date(atMs).toISOString(),
  });
  return `event: order\nid: ${number}\ndata: ${data}\n\n`;
}

function numberOf(header: string | undefined): number | undefined {
  if (header === undefined || header === "") return undefined;
  if (/^\d{1,15}$/.test(header)) return Number(header);
  throw new Refusal(orderingErrors.eventUnknown);
}
