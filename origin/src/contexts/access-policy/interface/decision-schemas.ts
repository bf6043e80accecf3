import Type from "typebox";

/** What the routes about recorded decisions answer, for the OpenAPI document. */
const Action = Type.Union([Type.Literal("allow"), Type.Literal("deny")]);

const DecisionBody = Type.Object({
  id: Type.String({ description: "where it stands in the record; later ones are greater" }),
  atMs: Type.Number({ description: "Unix time, milliseconds" }),
  ip: Type.String(),
  country: Type.String({ description: "ISO 3166-1 alpha-2; ZZ for an unknown one" }),
  method: Type.String(),
  path: Type.String(),
  host: Type.String(),
  action: Action,
  status: Type.Integer({ description: "of a denial; 0 otherwise" }),
  reason: Type.String({ description: "allow-list, deny-list, rule, default or limit" }),
  rule: Type.String(),
  route: Type.String({ description: "the edge's pattern; empty when it is no route" }),
  weight: Type.Number({ description: "how many decisions this one stands for" }),
  truncated: Type.Optional(Type.Boolean()),
});

export const DecisionsBody = Type.Object({
  decisions: Type.Array(DecisionBody),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

const TriedRequest = {
  ip: Type.String(),
  country: Type.String(),
  method: Type.String(),
  path: Type.String(),
  host: Type.String(),
};

const TriedVerdict = Type.Object({
  action: Action,
  status: Type.Integer(),
  reason: Type.String(),
  rule: Type.String(),
});

export const DryRunReportBody = Type.Object({
  revision: Type.Integer({ description: "the one that the draft was compared with" }),
  requests: Type.Integer(),
  standFor: Type.Number({ description: "how many requests the recorded ones stand for" }),
  skipped: Type.Integer({ description: "requests whose address could not be read" }),
  deniedToday: Type.Integer(),
  deniedByDraft: Type.Integer(),
  changes: Type.Object({
    count: Type.Integer(),
    examples: Type.Array(Type.Object({ ...TriedRequest, today: TriedVerdict, draft: TriedVerdict })),
  }),
  byRule: Type.Array(
    Type.Object({
      reason: Type.String(),
      rule: Type.String(),
      today: Type.Integer(),
      draft: Type.Integer(),
      observed: Type.Integer(),
      samples: Type.Array(Type.Object(TriedRequest)),
    }),
  ),
  byCountry: Type.Array(
    Type.Object({
      country: Type.String(),
      requests: Type.Integer(),
      deniedToday: Type.Integer(),
      deniedByDraft: Type.Integer(),
    }),
  ),
  limitsNotTried: Type.Array(
    Type.Object({ rule: Type.String(), because: Type.String(), requests: Type.Integer() }),
  ),
});

/** For who accepts lines. */
export const DryRunLines = Type.Unknown({ description: '{"done","total"} while it lasts, then {"report"}' });
