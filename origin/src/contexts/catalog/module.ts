import type { Clock } from "../../kernel/clock.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type { Database } from "../../platform/mysql/database.ts";
import type { StockOf } from "../ordering/public.ts";
import { changeProduct, createProduct, seedProducts } from "./application/administer.ts";
import { listProducts, productPage } from "./application/browse.ts";
import { demoProducts } from "./application/demo-products.ts";
import { pricesIn, productsIn } from "./infrastructure/products.ts";
import { addProductOperatorRoutes } from "./interface/operator-routes.ts";
import { addProductRoutes } from "./interface/product-routes.ts";

export { catalogAudits } from "./infrastructure/audits.ts";
export { productsTable } from "./infrastructure/product-projection.ts";

export interface CatalogDependencies {
  readonly database: Database;
  readonly stock: StockOf;
  readonly clock: Clock;
}

export interface Catalog {
  /** Prices of what is on sale, for ordering. */
  readonly findPrices: ReturnType<typeof pricesIn>;
  /** Whether it is on sale, for likes. */
  isActive(productId: number): Promise<boolean>;
  addRoutes(app: HttpServer): void;
  addOperatorRoutes(app: HttpServer): void;
  /** Adds the demo products that are missing; how many. */
  seed(): Promise<number>;
}

export function createCatalog({ database, stock, clock }: CatalogDependencies): Catalog {
  const products = productsIn(database);
  const on = { products, stock, clock };
  return {
    findPrices: pricesIn(database),
    isActive: async (productId) => (await products.findActive(productId)) !== undefined,
    addRoutes: (app) =>
      addProductRoutes(app, {
        list: (cursor, limit) => listProducts(products, cursor, limit),
        page: (id) => productPage(products, stock, id),
      }),
    addOperatorRoutes: (app) =>
      addProductOperatorRoutes(app, {
        create: (product, pieces, actor) => createProduct(on, product, pieces, actor),
        change: (id, change) => changeProduct(on, id, change),
      }),
    seed: () => seedProducts(on, demoProducts),
  };
}
