import Type from "typebox";

/**
 * What the policy routes answer, for the OpenAPI document. Rules are described and not taken apart: whatever a
 * document may hold, it is answered as it was published.
 */
const RuleBody = Type.Object(
  {
    id: Type.String(),
    match: Type.Unknown({ description: "conditions, all of which must hold; `not`: none of which may" }),
    action: Type.String({ description: "allow, deny or limit" }),
    mode: Type.String({ description: "enforce or observe" }),
  },
  { additionalProperties: true },
);

export const DocumentBody = Type.Object({ rules: Type.Array(RuleBody), default: Type.String() });

export const PublicationBody = Type.Object({
  revision: Type.Integer(),
  warnings: Type.Array(Type.String(), { description: "what will hardly do what was meant" }),
});

export const RevisionBody = Type.Object({
  revision: Type.Integer(),
  author: Type.String(),
  reason: Type.String(),
  createdAt: Type.String(),
});

export const PageBody = Type.Object({
  revisions: Type.Array(RevisionBody),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

const Changed = { from: Type.Unknown(), to: Type.Unknown() };

const DiffBody = Type.Object({
  since: Type.Integer(),
  default: Type.Optional(Type.Object(Changed)),
  added: Type.Array(RuleBody),
  removed: Type.Array(RuleBody),
  changed: Type.Array(
    Type.Object({
      id: Type.String(),
      members: Type.Array(Type.Object({ member: Type.String(), ...Changed })),
    }),
  ),
  moved: Type.Array(Type.Object({ id: Type.String(), from: Type.Integer(), to: Type.Integer() })),
});

export const PublishedBody = Type.Object({
  ...RevisionBody.properties,
  document: DocumentBody,
  diff: Type.Optional(DiffBody),
});

export const ExplanationBody = Type.Object(
  {
    action: Type.String(),
    status: Type.Integer(),
    reason: Type.String(),
    rule: Type.String(),
    path: Type.Union([Type.String(), Type.Null()]),
    country: Type.String(),
    asn: Type.Integer(),
    address: Type.String(),
    revision: Type.Integer(),
    steps: Type.Array(Type.Object({ step: Type.String(), id: Type.String(), matched: Type.Boolean() })),
    limits: Type.Array(
      Type.Object({
        rule: Type.String(),
        mode: Type.String(),
        key: Type.String(),
        requests: Type.Integer(),
        seconds: Type.Integer(),
        burst: Type.Integer(),
      }),
    ),
  },
  { additionalProperties: true },
);
