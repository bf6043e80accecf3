import { PRODUCT_PAGE_LIMIT_DEFAULT, PRODUCT_PAGE_LIMIT_MAX } from "@sluice/contract/product-page.ts";
import Type from "typebox";
import { sendJson } from "../../../platform/http/send-json.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import { catalogLimits } from "../application/limits.ts";

/** What everybody can ask for; answers are JSON text. */
export interface BrowseUseCases {
  list(cursor: string | undefined, limit: number): Promise<string>;
  page(id: number): Promise<string>;
}

export const ProductParams = Type.Object({
  id: Type.Integer({ minimum: 1, maximum: catalogLimits.productIdMax }),
});

const ListQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: catalogLimits.cursorLengthMax })),
    limit: Type.Integer({ minimum: 1, maximum: PRODUCT_PAGE_LIMIT_MAX, default: PRODUCT_PAGE_LIMIT_DEFAULT }),
  },
  { additionalProperties: false },
);

const productFields = {
  id: Type.Integer(),
  name: Type.String(),
  description: Type.String(),
  priceCents: Type.Integer(),
  currency: Type.String(),
};

const ListBody = Type.Object({
  items: Type.Array(Type.Object(productFields)),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

export const PageBody = Type.Object({
  ...productFields,
  stock: Type.Optional(
    Type.Object({
      total: Type.Integer(),
      available: Type.Integer(),
      reserved: Type.Integer(),
      sold: Type.Integer(),
    }),
  ),
});

const config = { access: "public" } as const;
const tags = ["catalog"];

export function addProductRoutes(app: HttpServer, useCases: BrowseUseCases): void {
  app.get(
    "/products",
    { config, schema: { tags, querystring: ListQuery, response: { 200: ListBody } } },
    async (request, reply) => sendJson(reply, await useCases.list(request.query.cursor, request.query.limit)),
  );

  app.get(
    "/products/:id",
    { config, schema: { tags, params: ProductParams, response: { 200: PageBody } } },
    async (request, reply) => sendJson(reply, await useCases.page(request.params.id)),
  );
}
