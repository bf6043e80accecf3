import Type from "typebox";
import { sendJson } from "../../../platform/http/send-json.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import { catalogLimits } from "../application/limits.ts";
import { PageBody, ProductParams } from "./product-routes.ts";

interface Given {
  name: string;
  description: string;
  priceCents: number;
  currency: string;
}

/** What operators can ask for; answers are JSON text. */
export interface AdministerUseCases {
  create(product: Given, pieces: number, actor: string): Promise<string>;
  change(
    id: number,
    change: { name?: string; description?: string; priceCents?: number; status?: "active" | "retired" },
  ): Promise<string>;
}

const strict = { additionalProperties: false };
const Name = Type.String({ minLength: 1, maxLength: catalogLimits.nameLengthMax });
const Description = Type.String({ maxLength: catalogLimits.descriptionLengthMax });
const Price = Type.Integer({ minimum: 0, maximum: catalogLimits.priceCentsMax });

const CreateBody = Type.Object(
  {
    name: Name,
    description: Type.Optional(Description),
    priceCents: Price,
    currency: Type.String({ pattern: "^[A-Z]{3}$" }),
    stock: Type.Integer({ minimum: 0, maximum: catalogLimits.stockMax }),
  },
  strict,
);

const ChangeBody = Type.Object(
  {
    name: Type.Optional(Name),
    description: Type.Optional(Description),
    priceCents: Type.Optional(Price),
    status: Type.Optional(Type.Union([Type.Literal("active"), Type.Literal("retired")])),
  },
  { ...strict, minProperties: 1 },
);

const config = { access: "operator:catalog" } as const;
const tags = ["catalog"];

export function addProductOperatorRoutes(app: HttpServer, useCases: AdministerUseCases): void {
  app.post(
    "/products",
    { config, schema: { tags, body: CreateBody, response: { 201: PageBody } } },
    async (request, reply) => {
      const { stock, description = "", ...product } = request.body;
      const actor = `operator:${request.operator.name}`;
      const page = await useCases.create({ ...product, description }, stock, actor);
      return sendJson(reply.code(201), page);
    },
  );

  app.patch(
    "/products/:id",
    { config, schema: { tags, params: ProductParams, body: ChangeBody, response: { 200: PageBody } } },
    async (request, reply) => sendJson(reply, await useCases.change(request.params.id, request.body)),
  );
}
