import { fastifySwagger } from "@fastify/swagger";
import type { RouteOptions } from "fastify";
import type { HttpServer } from "./server.ts";

/** RFC 9457, as `problem.ts` writes it. */
const problemSchema = {
  description: "What went wrong, as an RFC 9457 problem document; the codes are listed at /errors",
  content: {
    "application/problem+json": {
      schema: {
        type: "object",
        required: ["type", "title", "status", "code", "detail", "requestId"],
        properties: {
          type: { type: "string" },
          title: { type: "string" },
          status: { type: "integer" },
          code: { type: "string" },
          detail: { type: "string" },
          requestId: { type: "string" },
          errors: {
            type: "array",
            items: {
              type: "object",
              required: ["pointer", "message"],
              properties: { pointer: { type: "string" }, message: { type: "string" } },
            },
          },
        },
      },
    },
  },
};

/**
 * Describes every route that is added after it, from the schemas that validate it, at `/openapi.json`. What
 * all routes share, the problem document and who may ask, is added here and not repeated by each.
 */
export async function describeRoutes(app: HttpServer, title: string): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title, version: "1" },
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
    },
    transform: ({ schema, url, route }) => ({ url, schema: { ...schema, ...sharedBy(route, schema) } }),
  });
  app.get("/openapi.json", { config: { access: "public" }, schema: { hide: true } }, () => app.swagger());
}

function sharedBy(route: RouteOptions, schema: { response?: unknown } | undefined): Record<string, unknown> {
  const response = { ...(schema?.response as object | undefined), default: problemSchema };
  return route.config?.access === "public" ? { response } : { response, security: [{ bearer: [] }] };
}
