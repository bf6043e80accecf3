import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";

/** What a context adds its routes to; made by `createHttpServer`. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export const httpLimits = {
  bodyBytesMax: 64 * 1024,
  requestTimeoutMs: 10_000,
  bulkRequestTimeoutMs: 600_000,
  /** Longer than the edge keeps its idle upstream connections, so that the edge is who closes them. */
  keepAliveTimeoutMs: 75_000,
  /** Shorter than what is left to a process that was told to stop. */
  closeTimeoutMs: 7_000,
  pathParameterLengthMax: 100,
} as const;
