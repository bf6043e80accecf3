import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import Type, { type Static } from "typebox";
import { Value } from "typebox/value";
import { type OperatorScope, operatorScopes } from "../../../platform/http/access.ts";

/** Somebody who may ask the operators' listener, and for what. */
export interface Operator {
  readonly name: string;
  readonly shared: boolean;
  readonly scopes: readonly OperatorScope[];
  readonly tokenHash: Buffer;
}

/** Whoever has the one token that the system made for itself. */
export const sharedOperatorName = "operator";

/** Shorter operator tokens could be guessed. */
const tokenLengthMin = 16;
const operatorsMax = 1_000;

const OperatorsFile = Type.Object(
  {
    operators: Type.Array(
      Type.Object(
        {
          name: Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" }),
          /** SHA-256 of the token, so that the file lets nobody in. */
          sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
          scopes: Type.Array(Type.Union(operatorScopes.map((scope) => Type.Literal(scope)))),
        },
        { additionalProperties: false },
      ),
      { maxItems: operatorsMax },
    ),
  },
  { additionalProperties: false },
);

/** The file holds the token itself; who has it may do everything. */
export async function readSharedOperator(path: string): Promise<Operator> {
  const token = (await readFile(path, "utf8")).trim();
  if (token.length < tokenLengthMin) {
    throw new Error(`${path} must hold a token of at least ${tokenLengthMin} characters`);
  }
  return { name: sharedOperatorName, shared: true, scopes: operatorScopes, tokenHash: sha256(token) };
}

/** `{"operators":[{"name","sha256","scopes"}]}` */
export async function readOperators(path: string): Promise<readonly Operator[]> {
  const file: unknown = JSON.parse(await readFile(path, "utf8"));
  if (!Value.Check(OperatorsFile, file)) {
    const [fault] = Value.Errors(OperatorsFile, file);
    throw new Error(`${path} is no list of operators: ${fault?.instancePath} ${fault?.message}`);
  }
  const { operators } = file as Static<typeof OperatorsFile>;
  const names = new Set([sharedOperatorName, ...operators.map(({ name }) => name)]);
  if (names.size <= operators.length) throw new Error(`${path} gives one name twice, or takes "operator"`);
  return operators.map(({ name, scopes, sha256: hash }) => ({
    name,
    shared: false,
    scopes,
    tokenHash: Buffer.from(hash, "hex"),
  }));
}

/** Compares digests, and with every one: neither length nor place of a match shows in the time. */
export function findOperator(operators: readonly Operator[], token: string): Operator | undefined {
  const hash = sha256(token);
  let found: Operator | undefined;
  for (const operator of operators) if (timingSafeEqual(operator.tokenHash, hash)) found = operator;
  return found;
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
