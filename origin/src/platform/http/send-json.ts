import type { FastifyReply } from "fastify";

/** Text goes out as it is: edge and origin must give the same bytes, so nothing may serialise it again. */
export function sendJson<Reply extends Pick<FastifyReply, "type" | "serializer" | "send">>(
  reply: Reply,
  json: string,
): never {
  return reply.type("application/json; charset=utf-8").serializer(String).send(json) as never;
}
