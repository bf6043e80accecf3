import { EDGE_PROBLEMS } from "@sluice/contract/error-codes.ts";
import { accessErrors } from "./contexts/access-policy/public.ts";
import { catalogErrors } from "./contexts/catalog/public.ts";
import { identityErrors } from "./contexts/identity/public.ts";
import { likesErrors } from "./contexts/likes/public.ts";
import { orderingErrors } from "./contexts/ordering/public.ts";
import { salesErrors } from "./contexts/sales/public.ts";
import type { ErrorDefinition } from "./kernel/errors.ts";
import { platformErrors } from "./platform/errors.ts";

/** Every error that edge and origin can answer, by code. Served at `/errors`, where a problem's `type` leads. */
export function errorCatalogue(): ErrorDefinition[] {
  const all = [
    EDGE_PROBLEMS,
    platformErrors,
    identityErrors,
    accessErrors,
    catalogErrors,
    likesErrors,
    orderingErrors,
    salesErrors,
  ].flatMap((errors): ErrorDefinition[] => Object.values(errors));
  const byCode = new Map(all.map(({ code, status, title }) => [code, { code, status, title }]));
  return [...byCode.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}
