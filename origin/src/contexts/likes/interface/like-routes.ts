import { LIKES_PAGE_LIMIT_DEFAULT, LIKES_PAGE_LIMIT_MAX } from "@sluice/contract/likes.ts";
import Type from "typebox";
import { sendJson } from "../../../platform/http/send-json.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { ActOnProduct } from "../application/like-product.ts";
import { likeLimits } from "../application/limits.ts";
import type { LikedPage } from "../application/list-likes.ts";

export interface LikeUseCases {
  readonly act: ActOnProduct;
  /** JSON text. */
  likers(productId: number, cursor: string | undefined, limit: number): Promise<string>;
  liked(userId: number, cursor: string | undefined, limit: number): Promise<LikedPage>;
}

const strict = { additionalProperties: false };

const ProductParams = Type.Object({ id: Type.Integer({ minimum: 1, maximum: likeLimits.productIdMax }) });

const ActQuery = Type.Object(
  {
    at: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description:
          "When the user did it, by the client's clock: Unix time in milliseconds. The last one wins.",
      }),
    ),
  },
  strict,
);

const PageQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: likeLimits.cursorLengthMax })),
    limit: Type.Integer({ minimum: 1, maximum: LIKES_PAGE_LIMIT_MAX, default: LIKES_PAGE_LIMIT_DEFAULT }),
  },
  strict,
);

const ActedBody = Type.Object({
  productId: Type.Integer(),
  liked: Type.Boolean(),
  likes: Type.Integer(),
});

const LikersBody = Type.Object({
  count: Type.Integer(),
  items: Type.Array(Type.Object({ userId: Type.Integer(), likedAt: Type.String({ format: "date-time" }) })),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

const LikedBody = Type.Object({
  items: Type.Array(
    Type.Object({ productId: Type.Integer(), likedAt: Type.String({ format: "date-time" }) }),
  ),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

const tags = ["likes"];
const user = { access: "user" } as const;

export function addLikeRoutes(app: HttpServer, { act, likers, liked }: LikeUseCases): void {
  const schema = { tags, params: ProductParams, querystring: ActQuery, response: { 200: ActedBody } };
  for (const [method, likes] of [
    ["PUT", true],
    ["DELETE", false],
  ] as const) {
    app.route({
      method,
      url: "/products/:id/like",
      config: user,
      schema,
      handler: async (request) => {
        const { id: productId } = request.params as { id: number };
        const { at: atMs } = request.query as { at?: number };
        const acted = await act({ productId, userId: request.user.id, liked: likes, atMs });
        return { productId, ...acted };
      },
    });
  }

  app.get(
    "/products/:id/likes",
    {
      config: { access: "public" },
      schema: { tags, params: ProductParams, querystring: PageQuery, response: { 200: LikersBody } },
    },
    async (request, reply) =>
      sendJson(reply, await likers(request.params.id, request.query.cursor, request.query.limit)),
  );

  app.get(
    "/users/me/likes",
    { config: user, schema: { tags, querystring: PageQuery, response: { 200: LikedBody } } },
    async (request) => liked(request.user.id, request.query.cursor, request.query.limit),
  );
}
