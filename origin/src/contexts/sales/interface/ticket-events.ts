import { setTimeout as delay } from "node:timers/promises";
import { HEADER_REQUEST_ID } from "@sluice/contract/headers.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import { ticketLimits } from "../application/limits.ts";
import type { TicketState } from "../application/resolve-ticket.ts";
import { salesErrors } from "../errors.ts";
import { TicketParams } from "./sale-schemas.ts";

const mediaType = "text/event-stream; charset=utf-8";

/**
 * The outcome of a ticket as server-sent events: its state when the stream begins, and its outcome, with which the stream
 * ends. A stream without one ends after a while; a client connects again by itself. Redis is looked at, because what
 * happens to a ticket is told nowhere else; the order that comes of it is told at `GET /orders/events`, too.
 *
 *     event: ticket   data: {"ticket":…,"status":"QUEUED"}
 *     event: ticket   data: {"ticket":…,"status":"CONFIRMED","orderId":…}
 */
export function addTicketEvents(
  app: HttpServer,
  look: (saleId: number, userId: number, ticket: string) => Promise<TicketState>,
): void {
  let listeners = 0;
  let stopping = false;
  app.addHook("preClose", async () => {
    stopping = true;
  });

  app.get(
    "/flash-sales/:id/purchases/:ticket/events",
    {
      config: { access: "user" },
      schema: { tags: ["flash sales"], params: TicketParams, produces: [mediaType] },
    },
    async ({ params, user, id: requestId, method }, reply) => {
      let state = await look(params.id, user.id, params.ticket);
      if (stopping || listeners >= ticketLimits.listenersMax) {
        throw new Refusal(salesErrors.listenersTooMany, { headers: { "retry-after": "1" } });
      }
      const response = reply.raw;
      reply.hijack();
      response.writeHead(200, {
        ...{ "content-type": mediaType, "cache-control": "no-store", "x-accel-buffering": "no" },
        [HEADER_REQUEST_ID]: requestId,
      });
      if (method === "HEAD") return void response.end();
      listeners += 1;
      try {
        response.write(`retry: 1000\n\n${eventOf(state)}`);
        const untilMs = performance.now() + ticketLimits.listenMaxMs;
        while (!state.decided && !stopping && !response.destroyed && performance.now() < untilMs) {
          await delay(ticketLimits.listenEveryMs);
          state = await look(params.id, user.id, params.ticket);
          if (state.decided) response.write(eventOf(state));
        }
        response.end();
      } catch {
        // The database is away: the client finds out by the end of the stream, and connects again.
        response.destroy();
      } finally {
        listeners -= 1;
      }
    },
  );
}

function eventOf({ text }: TicketState): string {
  return `event: ticket\ndata: ${text}\n\n`;
}
