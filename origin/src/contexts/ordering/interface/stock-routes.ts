import Type from "typebox";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { StockCounts } from "../application/adjust-stock.ts";
import { stockLimits } from "../application/limits.ts";
import type { LedgerPage } from "../application/read-ledger.ts";
import { LedgerBody, StockBody } from "./order-schemas.ts";

/** What operators can ask for of stock. */
export interface StockUseCases {
  adjust(productId: number, delta: number, by: { actor: string; reason: string }): Promise<StockCounts>;
  ledger(productId: number, before: number | undefined, limit: number): Promise<LedgerPage>;
}

const Params = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) });

const Body = Type.Object(
  {
    /** Pieces to add; negative to take away. */
    delta: Type.Integer({ minimum: -stockLimits.totalMax, maximum: stockLimits.totalMax }),
    reason: Type.String({ minLength: 1, maxLength: stockLimits.reasonLengthMax }),
  },
  { additionalProperties: false },
);

const LedgerQuery = Type.Object(
  {
    before: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
    limit: Type.Integer({ minimum: 1, maximum: stockLimits.ledgerPageMax, default: 50 }),
  },
  { additionalProperties: false },
);

export function addStockRoutes(app: HttpServer, useCases: StockUseCases): void {
  app.get(
    "/products/:id/stock",
    {
      config: { access: "operator:read" },
      schema: {
        tags: ["ordering"],
        params: Params,
        querystring: LedgerQuery,
        response: { 200: LedgerBody },
      },
    },
    async ({ params, query }) => useCases.ledger(params.id, query.before, query.limit),
  );

  app.post(
    "/products/:id/stock",
    {
      config: { access: "operator:catalog" },
      schema: { tags: ["ordering"], params: Params, body: Body, response: { 200: StockBody } },
    },
    async (request) => {
      const { id } = request.params;
      const { delta, reason } = request.body;
      const by = { actor: `operator:${request.operator.name}`, reason };
      return { productId: id, ...(await useCases.adjust(id, delta, by)) };
    },
  );
}
