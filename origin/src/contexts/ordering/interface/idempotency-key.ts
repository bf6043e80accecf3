import { HEADER_IDEMPOTENCY_KEY } from "@sluice/contract/headers.ts";
import Type from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import { orderLimits } from "../application/limits.ts";
import { orderingErrors } from "../errors.ts";

/** For the API's description; its form is checked below, with an error of its own. */
export const IdempotencyHeaders = Type.Object({
  [HEADER_IDEMPOTENCY_KEY]: Type.Optional(
    Type.String({
      description: `Makes the request repeatable for a day: 1 to ${orderLimits.idempotencyKeyLengthMax} visible ASCII characters`,
    }),
  ),
});

const visibleAscii = new RegExp(`^[\\x21-\\x7e]{1,${orderLimits.idempotencyKeyLengthMax}}$`);

export function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === "string" && visibleAscii.test(header)) return header;
  throw new Refusal(orderingErrors.keyMalformed);
}
