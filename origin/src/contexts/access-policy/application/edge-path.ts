export type EdgePath =
  | {
      readonly outcome: "read";
      /** What rules are held against. */
      readonly path: string;
      /** Whether the client wrote it so. The edge lets nothing else pass. */
      readonly plain: boolean;
    }
  | { readonly outcome: "unreadable" };

/**
 * The path that nginx makes of a request target, on which the edge decides: percent-encoding decoded once,
 * slashes merged, `.` and `..` resolved (ngx_http_parse_complex_uri, with `merge_slashes on`). What has been
 * decoded counts like what was written: `%2e%2e` goes up, `%2f` separates. A path that is not validly encoded,
 * leads above the root, or has a space or a control character is none to nginx: it answers 400 by itself.
 */
export function edgePath(target: string): EdgePath {
  if (hasControlCharacter(target)) return { outcome: "unreadable" };
  // nginx ends a path at a fragment, too, although no client should send one.
  const written = target.split(/[?#]/, 1)[0] as string;
  const decoded = decodeOnce(written);
  if (decoded === undefined) return { outcome: "unreadable" };
  const path = resolve(decoded);
  if (path === undefined) return { outcome: "unreadable" };
  return { outcome: "read", path, plain: target === path || target.startsWith(`${path}?`) };
}

function hasControlCharacter(target: string): boolean {
  return [...target].some((character) => character <= " " || character === "\x7f");
}

/** Undefined for an escape that is none, and for a NUL. Bytes that are no UTF-8 become U+FFFD. */
function decodeOnce(path: string): string | undefined {
  if (/%(?![0-9a-f]{2})|%00/i.test(path)) return undefined;
  const bytes = path
    .split(/(%[0-9a-f]{2})/i)
    .map((part) => (part.startsWith("%") ? Buffer.from(part.slice(1), "hex") : Buffer.from(part)));
  return Buffer.concat(bytes).toString("utf8");
}

function resolve(path: string): string | undefined {
  const [, ...segments] = path.split("/");
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === "..") {
      if (kept.pop() === undefined) return undefined;
    } else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  const isFolder = kept.length > 0 && ["", ".", ".."].includes(segments.at(-1) as string);
  return `/${kept.join("/")}${isFolder ? "/" : ""}`;
}
