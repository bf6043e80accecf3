/**
 * The pages that people see, from web/. The edge holds them in memory and serves them by itself: they are few and
 * small, a crowd asks for them at once, and none of it needs the disk or the origin.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { transformSync } from "amaro";
import type { PageSettings } from "./src/settings.ts";

export interface Page {
  path: string;
  /** In web/. */
  file: string;
}

export const PAGES: readonly Page[] = [
  // Until the shop has a page of its own.
  { path: "/", file: "account/account.html" },
  { path: "/account", file: "account/account.html" },
  ...["account/account.css", "icon.svg"].map((file) => ({ path: `/web/${file}`, file })),
  ...[
    "account/account",
    "account/sessions",
    "account/sign-in",
    "account/ways-to-sign-in",
    "page",
    "session",
  ].map((module) => ({ path: `/web/${module}.js`, file: `${module}.ts` })),
];

/**
 * Nothing but this site's own scripts and styles, no inline code, and nobody frames it: an injected text stays a text
 * (CSP Level 3).
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const CONTENT_TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".ts": "text/javascript; charset=utf-8",
};

export function readPages(webDir: string): PageSettings[] {
  return PAGES.map(({ path, file }) => {
    const source = readFileSync(join(webDir, file), "utf8");
    const contentType = CONTENT_TYPES[extname(file)];
    if (contentType === undefined) throw new Error(`web/${file}: there is no content type for such files`);
    const body = extname(file) === ".ts" ? scriptOf(source) : source;
    const digest = createHash("sha256").update(body).digest("base64url");
    return { path, contentType, body, etag: `"${digest.slice(0, 22)}"` };
  });
}

/** Types become spaces, so lines and columns stay; modules find each other by the names that they are served under. */
function scriptOf(source: string): string {
  const { code } = transformSync(source, { mode: "strip-only" });
  return code.replaceAll(/( from "\.[\w./-]+)\.ts(";)/g, "$1.js$2");
}
