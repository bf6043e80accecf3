import type { Clock } from "../../kernel/clock.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type { Database } from "../../platform/mysql/database.ts";
import type { RedisStore } from "../../platform/redis/connect.ts";
import type { ProjectedTable } from "../../platform/redis/projected-table.ts";
import { createLikeProduct } from "./application/like-product.ts";
import { listLiked, listLikers } from "./application/list-likes.ts";
import type { LikedProducts } from "./application/ports.ts";
import { likesIn } from "./infrastructure/likes.ts";
import { likeCountsTable, likesTable } from "./infrastructure/likes-projection.ts";
import { recentLikesIn } from "./infrastructure/recent-likes.ts";
import { addLikeRoutes, type LikeUseCases } from "./interface/like-routes.ts";

export { likesAudits } from "./infrastructure/audits.ts";

/** For the relay. */
export const likesTables: readonly ProjectedTable[] = [likesTable, likeCountsTable];

export interface LikesDependencies {
  readonly database: Database;
  readonly redis: RedisStore;
  readonly products: LikedProducts;
  readonly clock: Clock;
}

export interface LikesContext extends LikeUseCases {
  addRoutes(app: HttpServer): void;
}

export function createLikes({ database, redis, products, clock }: LikesDependencies): LikesContext {
  const likes = likesIn(database);
  const reading = { likes, recent: recentLikesIn(redis), products };
  const useCases: LikeUseCases = {
    act: createLikeProduct({ likes, products, clock }),
    likers: (productId, cursor, limit) => listLikers(reading, productId, cursor, limit),
    liked: (userId, cursor, limit) => listLiked(likes, userId, cursor, limit),
  };
  return { ...useCases, addRoutes: (app) => addLikeRoutes(app, useCases) };
}
