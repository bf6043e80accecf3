/**
 * The locations of all routes. nginx tries regular expressions one after the other, so each stands inside the prefix
 * that it begins with: a request meets those of its own neighbourhood only, however many routes there are.
 */
import type { AccessLog, Location } from "lua-gen/nginx/model.ts";
import { answerOf } from "./entries.ts";
import { PAGES } from "./pages.ts";
import { decidedBy, pageLocation, routeLocation } from "./route-location.ts";
import { ROUTES, staticPrefix } from "./routes.ts";
import { REFUSALS } from "./src/phases/verdicts.ts";

export interface DecisionLogs {
  decision: AccessLog;
  /** For what may not be a request at all. */
  failure: AccessLog;
}

export function locationTree({ decision, failure }: DecisionLogs): Location[] {
  const exact: Location[] = [];
  const byPrefix = new Map<string, Location[]>();
  for (const [index, route] of ROUTES.entries()) {
    const location = { ...routeLocation(route, index), accessLog: decision };
    const prefix = staticPrefix(route.pattern);
    if (prefix === undefined) exact.push(location);
    else byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), location]);
  }
  const pages = PAGES.map((page, index) => ({ ...pageLocation(page, index), accessLog: decision }));
  const groups = [...byPrefix].map(([prefix, locations]): Location => {
    return { match: { prefixFinal: prefix }, accessLog: failure, ...unknownRoute(), locations };
  });
  const rest: Location = {
    source: "Whatever is not a route",
    match: { prefix: "/" },
    accessLog: failure,
    ...unknownRoute(),
  };
  return [...exact, ...pages, ...groups, rest];
}

function unknownRoute(): Partial<Location> {
  const decide = answerOf("decideUnknown");
  return decidedBy(decide, { admissions: [], refusals: REFUSALS, allow: [], answersPages: false });
}
