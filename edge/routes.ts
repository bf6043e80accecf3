/**
 * What the edge lets through, and on what terms. Whatever is not here is answered 404 by the edge, whatever
 * the origin might think of it. `GET` includes `HEAD`. A `:name` stands for one path segment.
 */

/** `public`: anybody whom the access policy lets in. `user`: with a valid token of a living session too. */
export type RouteAccess = "public" | "user";

export type RouteMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Which of the edge's caches answers; without it the request goes to the origin. */
export type RouteCache = "product" | "product-list" | "likes";

export interface Route {
  pattern: string;
  methods: Partial<Record<RouteMethod, RouteAccess>>;
  /** Only for patterns whose one method is `GET`, for everybody alike. */
  cache?: RouteCache;
  /** What the edge may answer by itself before it asks the origin. */
  first?: "tellSale" | "tellSales" | "tellTicket" | "handOutChallenge" | "buy";
  /** A flash sale that is closed refuses before anything else is looked at. */
  gate?: "challenge" | "purchase";
  /** The answer goes on for as long as the client listens, and each part is passed on at once. */
  stream?: true;
}

export const ROUTES: readonly Route[] = [
  { pattern: "/auth/register", methods: { POST: "public" } },
  { pattern: "/auth/login", methods: { POST: "public" } },
  { pattern: "/auth/refresh", methods: { POST: "public" } },
  { pattern: "/auth/logout", methods: { POST: "public" } },
  { pattern: "/auth/password", methods: { POST: "user" } },
  { pattern: "/auth/sessions", methods: { GET: "user", DELETE: "user" } },
  { pattern: "/auth/sessions/:id", methods: { DELETE: "user" } },
  { pattern: "/auth/session", methods: { GET: "user" } },
  { pattern: "/auth/identities", methods: { GET: "user" } },
  { pattern: "/auth/identities/:id", methods: { DELETE: "user" } },
  { pattern: "/auth/providers", methods: { GET: "public" } },
  { pattern: "/auth/oauth/:provider/start", methods: { GET: "public" } },
  { pattern: "/auth/oauth/:provider/link", methods: { POST: "user" } },
  { pattern: "/auth/oauth/:provider/callback", methods: { GET: "public" } },
  { pattern: "/.well-known/jwks.json", methods: { GET: "public" } },
  { pattern: "/openapi.json", methods: { GET: "public" } },
  // Where the `type` of a problem leads.
  { pattern: "/errors", methods: { GET: "public" } },
  { pattern: "/products", methods: { GET: "public" }, cache: "product-list" },
  { pattern: "/products/:id", methods: { GET: "public" }, cache: "product" },
  { pattern: "/products/:id/like", methods: { PUT: "user", DELETE: "user" } },
  { pattern: "/products/:id/likes", methods: { GET: "public" }, cache: "likes" },
  { pattern: "/users/me/likes", methods: { GET: "user" } },
  { pattern: "/orders", methods: { GET: "user", POST: "user" } },
  { pattern: "/orders/events", methods: { GET: "user" }, stream: true },
  { pattern: "/orders/:id", methods: { GET: "user" } },
  { pattern: "/orders/:id/pay", methods: { POST: "user" } },
  { pattern: "/orders/:id/cancel", methods: { POST: "user" } },
  { pattern: "/orders/:id/refund", methods: { POST: "user" } },
  { pattern: "/flash-sales", methods: { GET: "public" }, first: "tellSales" },
  { pattern: "/flash-sales/:id", methods: { GET: "public" }, first: "tellSale" },
  {
    pattern: "/flash-sales/:id/challenges",
    methods: { POST: "user" },
    first: "handOutChallenge",
    gate: "challenge",
  },
  { pattern: "/flash-sales/:id/purchases", methods: { POST: "user" }, first: "buy", gate: "purchase" },
  { pattern: "/flash-sales/:id/purchases/:ticket", methods: { GET: "user" }, first: "tellTicket" },
  { pattern: "/flash-sales/:id/purchases/:ticket/events", methods: { GET: "user" }, stream: true },
  // Signed by the payment provider, which has no account here.
  { pattern: "/payments/callback/:provider", methods: { POST: "public" } },
];

/**
 * The pattern as a PCRE for an nginx location; undefined when it is a fixed path. A `:name` is printable ASCII: other
 * bytes are in no id, and the log of the routes may take paths as they are.
 */
export function patternRegex(pattern: string): string | undefined {
  if (!pattern.includes("/:")) return undefined;
  const segments = pattern.split("/").map((segment) => {
    return segment.startsWith(":") ? "[!-.0-~]+" : segment.replaceAll(".", "\\.");
  });
  return `^${segments.join("/")}$`;
}

/** What every path of the pattern begins with, up to its first parameter; undefined when it has none. */
export function staticPrefix(pattern: string): string | undefined {
  const parameter = pattern.indexOf("/:");
  return parameter === -1 ? undefined : pattern.slice(0, parameter + 1);
}

/** `Allow` of a 405 (RFC 9110, 10.2.1). */
export function allowedMethods(route: Route): string[] {
  const methods: string[] = [];
  for (const method of Object.keys(route.methods)) {
    methods.push(method);
    if (method === "GET") methods.push("HEAD");
  }
  return methods;
}
