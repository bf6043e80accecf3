import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { HEADER_REQUEST_ID } from "@sluice/contract/headers.ts";
import {
  type FastifyBaseLogger,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from "fastify";
import { type ErrorDefinition, Refusal } from "../../kernel/errors.ts";
import { platformErrors } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Authenticators } from "./access.ts";
import { authenticateBy } from "./authenticate.ts";
import { addHealthRoutes, type Dependencies } from "./health.ts";
import { describeRoutes } from "./openapi.ts";
import { problemMediaType, toProblem, toRefusal } from "./problem.ts";
import { type HttpServer, httpLimits } from "./server.ts";
import { validatorCompiler } from "./validation.ts";

export interface HttpServerOptions {
  /** Shown as the title of the OpenAPI document. */
  readonly title: string;
  readonly logger: Logger;
  readonly authenticators: Authenticators;
  readonly dependencies: Dependencies;
  /** For a whole request to arrive. Longer where bulk data is sent. */
  readonly requestTimeoutMs: number;
  /** Served at `/errors`, where the `type` of a problem leads. */
  readonly errorCatalogue: readonly ErrorDefinition[];
}

/**
 * A listener with this service's conventions: validated and bounded input, problem+json for everything that
 * goes wrong, a request id in and out, declared access on every route, OpenAPI, health.
 *
 * Routes are added after it returns and before `listen`.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const app: HttpServer = fastify({
    loggerInstance: options.logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    bodyLimit: httpLimits.bodyBytesMax,
    requestTimeout: options.requestTimeoutMs,
    keepAliveTimeout: httpLimits.keepAliveTimeoutMs,
    routerOptions: { maxParamLength: httpLimits.pathParameterLengthMax },
    genReqId: requestIdOf,
    requestIdHeader: false,
    // What still arrives over an open connection while we stop is answered.
    return503OnClosing: false,
    clientErrorHandler: refuseUnreadable,
    frameworkErrors: (error, request, reply: FastifyReply) => {
      reply.header(HEADER_REQUEST_ID, request.id);
      refuse(reply, toRefusal(error));
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorateReply("problemCode", undefined);
  app.setValidatorCompiler(validatorCompiler);
  app.setErrorHandler((error, request, reply) => {
    const refusal = toRefusal(error);
    logFailure(request, refusal);
    return refuse(reply, refusal);
  });
  app.setNotFoundHandler(() => {
    throw new Refusal(platformErrors.routeUnknown);
  });
  // An answer that is given while we stop is the last on its connection, or closing would wait for the client.
  let closing = false;
  app.addHook("preClose", async () => {
    closing = true;
  });
  app.addHook("onSend", async (_request, reply) => {
    if (closing) reply.header("connection", "close");
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.header(HEADER_REQUEST_ID, request.id);
  });
  // One line per answer, without the query string and without any header: nothing secret can be in it, and to look
  // for it all the same would cost ten times what the line does.
  const answers = options.logger.child({}, { redact: [] });
  app.addHook("onResponse", async (request, reply) => {
    answers.info(
      {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url ?? "unknown",
        status: reply.statusCode,
        code: reply.problemCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      "answered",
    );
  });
  authenticateBy(app, options.authenticators);
  await describeRoutes(app, options.title);
  app.get("/errors", { config: { access: "public" }, schema: { hide: true } }, () => ({
    errors: options.errorCatalogue,
  }));
  addHealthRoutes(app, options.dependencies);
  return app;
}

/** Binds and returns the port, which the system chose when `port` is 0. */
export async function listen(app: HttpServer, host: string, port: number): Promise<number> {
  await app.listen({ host, port });
  const address = app.server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

/** Finishes what is in flight, for at most `closeTimeoutMs`; then cuts what is left. */
export async function closeHttpServer(app: HttpServer): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), httpLimits.closeTimeoutMs);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
}

/** A bug with its stack; an outage, which comes in crowds, in one line; the client's own faults not at all. */
function logFailure(request: FastifyRequest, { definition, message, cause }: Refusal): void {
  if (definition.status === 503)
    request.log.warn({ err: cause instanceof Error ? cause.message : "" }, message);
  else if (definition.status >= 500) request.log.error({ err: cause }, message);
}

function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const problem = toProblem(refusal, reply.request.id);
  reply.problemCode = problem.code;
  return reply
    .code(problem.status)
    .headers(refusal.details.headers ?? {})
    .type(problemMediaType)
    .send(problem);
}

/** Takes the edge's id when it looks like one; anything else could forge log lines. */
function requestIdOf(request: { headers: IncomingMessage["headers"] }): string {
  const given = request.headers[HEADER_REQUEST_ID];
  return typeof given === "string" && /^[\w.-]{8,64}$/.test(given) ? given : randomUUID();
}

const requestIdLine = new RegExp(`\\r\\n${HEADER_REQUEST_ID}:[ \\t]*([^\\r\\n]*?)[ \\t]*\\r\\n`, "i");

/** The same of a request that was refused before it was parsed; its body does not count. */
function requestIdIn(packet: unknown): string {
  const [head = ""] = Buffer.isBuffer(packet) ? packet.toString("latin1").split("\r\n\r\n", 1) : [];
  return requestIdOf({ headers: { [HEADER_REQUEST_ID]: requestIdLine.exec(`${head}\r\n`)?.[1] } });
}

/** What Node's parser refused before there was a request. */
function refuseUnreadable(error: Error & { code?: string; rawPacket?: unknown }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const definition =
    error.code === "HPE_HEADER_OVERFLOW"
      ? platformErrors.headersTooLarge
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? platformErrors.timeout
        : platformErrors.malformed;
  const requestId = requestIdIn(error.rawPacket);
  const body = JSON.stringify(toProblem(new Refusal(definition), requestId));
  socket.end(
    `HTTP/1.1 ${definition.status} ${definition.title}\r\n` +
      `content-type: ${problemMediaType}\r\n${HEADER_REQUEST_ID}: ${requestId}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
