import { requestId } from "./request.ts";

export interface OriginAnswer {
  status: number;
  body: string;
  /** A document of the origin's own, and not nginx's word that there was no answer. */
  isProblem: boolean;
  /** It sets a cookie, says by `Cache-Control` that caches must not have it, or that others get another one (`Vary`). */
  isPrivate: boolean;
}

/** Where `nginx.ts` passes on to the origin without anything of what the client sent. */
export const ORIGIN_LOCATION = "/-/origin";

/** Asks the origin through nginx, over its kept-alive connections. */
export function askOrigin(path: string, query: string | undefined): OriginAnswer {
  const answer = ngx.location.capture(ORIGIN_LOCATION + path, {
    method: ngx.HTTP_GET,
    args: query,
    vars: { sluice_request_id: requestId() },
  });
  const contentType = answer.header.get("Content-Type");
  const isProblem =
    type(contentType) === "string" && (contentType as string).startsWith("application/problem+json");
  const isPrivate = isOneClients(answer.header);
  // A body cut short is no answer.
  return { status: answer.truncated ? 502 : answer.status, body: answer.body, isProblem, isPrivate };
}

/** Names are as the origin wrote them. */
function isOneClients(header: LuaTable<string, string | string[]>): boolean {
  for (const [name, value] of header) {
    const field = name.toLowerCase();
    // Nothing of the client went to the origin, so whatever an answer varies by, ours is of who has nothing.
    if (field === "set-cookie" || field === "vary") return true;
    if (field === "cache-control" && forbidsCaches(value)) return true;
  }
  return false;
}

function forbidsCaches(control: string | string[]): boolean {
  const text = type(control) === "string" ? (control as string) : table.concat(control as string[], ",");
  const directives = text.toLowerCase();
  return directives.includes("private") || directives.includes("no-store");
}
