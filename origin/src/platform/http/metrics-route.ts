import Type from "typebox";
import type { HttpServer } from "./server.ts";

/** Lines of Prometheus text that one part of the origin has to say. */
export type Metrics = () => Promise<readonly string[]>;

/** Prometheus text, version 0.0.4, of all parts, each asked when somebody asks for it. */
export function addMetricsRoute(app: HttpServer, parts: readonly Metrics[]): void {
  const config = { access: "operator:read" } as const;
  const response = { 200: { content: { "text/plain": { schema: Type.String() } } } };
  app.get("/metrics", { config, schema: { tags: ["metrics"], response } }, async (_request, reply) => {
    const lines = (await Promise.all(parts.map((part) => part()))).flat();
    return reply.type("text/plain; version=0.0.4; charset=utf-8").send(`${lines.join("\n")}\n`);
  });
}

export function gauge(name: string, help: string, value: number): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`];
}
