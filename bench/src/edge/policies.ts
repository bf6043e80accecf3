import type { PolicyDocument, PolicyRule } from "@sluice/contract/policy/document.ts";

export const NO_RULES: PolicyDocument = { rules: [], default: "allow" };

/** Codes that ISO 3166-1 leaves to its users: no caller comes from there. */
const NOWHERE = [..."ABCDEFGHIJLMNOPQRSTUVWXYZ"].map((letter) => `X${letter}`);

/** Five rules over 25 countries. */
export const GEO_RULES: PolicyDocument = {
  rules: [0, 5, 10, 15, 20].map((first, index) => ({
    id: `geo-${index + 1}`,
    match: { country: NOWHERE.slice(first, first + 5) },
    mode: index === 4 ? "observe" : "enforce",
    action: "deny",
    status: 451,
  })),
  default: "allow",
};

/**
 * Fifty: 38 about countries, and 12 that are asked about every request, wherever it comes from. None of them is met,
 * so each request is held against all.
 */
export const FIFTY_RULES: PolicyDocument = {
  rules: [
    ...Array.from({ length: 38 }, (_, index): PolicyRule => {
      const country = [NOWHERE[index % 25] as string, NOWHERE[(index + 7) % 25] as string];
      return { id: `geo-${index + 1}`, match: { country }, mode: "enforce", action: "deny", status: 451 };
    }),
    ...["/admin", "/internal", "/debug", "/wp-login.php", "/cgi-bin"].map(
      (pathPrefix, index): PolicyRule => ({
        id: `path-${index + 1}`,
        match: { pathPrefix },
        mode: "enforce",
        action: "deny",
        status: 404,
      }),
    ),
    ...["TRACE", "PATCH", "PUT"].map(
      (method, index): PolicyRule => ({
        id: `method-${index + 1}`,
        match: { method: [method], not: { cidr: ["10.0.0.0/8"] } },
        mode: index === 2 ? "observe" : "enforce",
        action: "deny",
      }),
    ),
    ...["240.0.0.0/4", "192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"].map(
      (cidr, index): PolicyRule => ({
        id: `network-${index + 1}`,
        match: index < 2 ? { cidr: [cidr] } : { cidr: [cidr], path: ["/auth/**"] },
        mode: "enforce",
        action: "deny",
      }),
    ),
  ],
  default: "allow",
};

/** The same, the last rule a limit of each address that the load never comes near. */
export const FIFTY_RULES_AND_LIMIT: PolicyDocument = {
  ...FIFTY_RULES,
  rules: [
    ...FIFTY_RULES.rules.slice(1),
    {
      id: "per-address",
      match: {},
      mode: "enforce",
      action: "limit",
      limit: { key: "address", requests: 1_000, seconds: 1, burst: 10_000 },
    },
  ],
};
