import { CHALLENGE_LENGTH_MAX } from "@sluice/contract/sale.ts";
import Type, { type Static } from "typebox";
import { saleLimits } from "../application/limits.ts";

export const strict = { additionalProperties: false };

const instant = () =>
  Type.String({
    pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,3})?Z$",
    description: "RFC 3339 in UTC, like 2030-01-31T10:00:00Z",
  });

const terms = {
  productId: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  priceCents: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
  total: Type.Integer({ minimum: 1, maximum: saleLimits.totalMax }),
  perUserMax: Type.Integer({ minimum: 1, maximum: saleLimits.perUserMax }),
  perSecond: Type.Integer({ minimum: 1, maximum: saleLimits.perSecondMax }),
  buyRate: Type.Number({ minimum: 0.0001, maximum: 1 }),
  countries: Type.Array(Type.String({ pattern: "^[A-Z]{2}$" }), { maxItems: saleLimits.countriesMax }),
  startsAt: instant(),
  endsAt: instant(),
};

const { perUserMax, perSecond, buyRate, countries, ...given } = terms;
const reason = Type.Optional(Type.String({ maxLength: saleLimits.reasonLengthMax }));

export const CreateBody = Type.Object(
  {
    ...given,
    ...Type.Partial(Type.Object({ perUserMax, perSecond, buyRate, countries })).properties,
    reason,
  },
  strict,
);

/** What a sale is unless it is said otherwise. */
export const usualTerms = { perUserMax: 1, perSecond: 10_000, buyRate: 1, countries: [] } as const;

export const ChangeBody = Type.Object(
  {
    ...Type.Partial(Type.Object(terms)).properties,
    status: Type.Optional(
      Type.Union(["SCHEDULED", "OPEN", "PAUSED", "ENDED"].map((status) => Type.Literal(status))),
    ),
    reason,
  },
  { ...strict, minProperties: 1 },
);

const Status = Type.Union(
  ["DRAFT", "SCHEDULED", "OPEN", "PAUSED", "SOLD_OUT", "ENDED"].map((status) => Type.Literal(status)),
);

/** A sale as operators see it. */
export const SaleBody = Type.Object({
  id: Type.Integer(),
  version: Type.Integer(),
  status: Status,
  ...terms,
  currency: Type.String(),
});

export const FiguresBody = Type.Object({
  ...SaleBody.properties,
  /** None while it is a draft. */
  pieces: Type.Union([
    Type.Object({ total: Type.Integer(), available: Type.Integer(), putBack: Type.Integer() }),
    Type.Null(),
  ]),
  waiting: Type.Union([Type.Integer(), Type.Null()]),
  tickets: Type.Record(Type.String(), Type.Integer()),
});

export const ChangesBody = Type.Object({
  changes: Type.Array(
    Type.Object({
      version: Type.Integer(),
      by: Type.String(),
      reason: Type.String(),
      at: Type.String(),
      sale: SaleBody,
    }),
  ),
  nextBefore: Type.Union([Type.Integer(), Type.Null()]),
});

export const FairnessBody = Type.Object({
  served: Type.Integer(),
  inOrder: Type.Number(),
  overtaken: Type.Number(),
  overtakenMsP99: Type.Number(),
  overtakenMsMax: Type.Number(),
});

export const SaleParams = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) });

export type CreateBody = Static<typeof CreateBody>;
export type SaleBody = Static<typeof SaleBody>;

export const TicketParams = Type.Object({
  ...SaleParams.properties,
  ticket: Type.String({ minLength: 1, maxLength: CHALLENGE_LENGTH_MAX }),
});
