import Type from "typebox";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { StockCounts } from "../application/adjust-stock.ts";
import { stockLimits } from "../application/limits.ts";
import { StockBody } from "./order-schemas.ts";

export type AdjustStock = (productId: number, delta: number, reason: string) => Promise<StockCounts>;

const Params = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) });

const Body = Type.Object(
  {
    /** Pieces to add; negative to take away. */
    delta: Type.Integer({ minimum: -stockLimits.totalMax, maximum: stockLimits.totalMax }),
    reason: Type.String({ minLength: 1, maxLength: stockLimits.reasonLengthMax }),
  },
  { additionalProperties: false },
);

export function addStockRoutes(app: HttpServer, adjust: AdjustStock): void {
  app.post(
    "/products/:id/stock",
    {
      config: { access: "operator:catalog" },
      schema: { tags: ["ordering"], params: Params, body: Body, response: { 200: StockBody } },
    },
    async (request) => {
      const { id } = request.params;
      const { delta, reason } = request.body;
      return { productId: id, ...(await adjust(id, delta, reason)) };
    },
  );
}
