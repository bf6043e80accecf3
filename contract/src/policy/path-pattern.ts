/**
 * Patterns of paths: literal segments; a star for exactly one segment that isn't empty; and two stars, which may come
 * last, for whatever follows. `/admin/**` is `/admin` and all below it. Nothing else is special: small and capital
 * letters differ, and `/a/` is not `/a`.
 *
 * Those without a single star are looked up or compared as a beginning; only the others are walked through.
 */
export interface CompiledPaths {
  exact: Record<string, boolean | undefined>;
  /** With the slash at the end: `/admin/` for `/admin/**`. */
  below: string[];
  stepped: SteppedPattern[];
}

interface SteppedPattern {
  segments: string[];
  /** Ends in `**`. */
  open: boolean;
}

const SLASH = 47;

/** What is wrong with a pattern, or undefined. */
export function patternFault(pattern: string): string | undefined {
  if (pattern.substring(0, 1) !== "/") return "must start with /";
  const segments = pattern.substring(1).split("/");
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i] as string;
    const isLast = i === segments.length - 1;
    if (segment === "**" && !isLast) return "may have ** at its end only";
    if (segment !== "*" && segment !== "**" && segment.indexOf("*") !== -1) {
      return "may have * only as a whole segment";
    }
    if (segment === "" && !isLast) return "never matches: nginx merges slashes before the rules are asked";
    if (segment === "." || segment === "..") return "never matches: . and .. are resolved before";
  }
  return undefined;
}

/** Takes valid patterns. */
export function compilePaths(patterns: string[]): CompiledPaths {
  const paths: CompiledPaths = { exact: {}, below: [], stepped: [] };
  for (const pattern of patterns) {
    const segments = pattern.substring(1).split("/");
    const open = segments[segments.length - 1] === "**";
    if (open) segments.pop();
    if (segments.indexOf("*") !== -1) {
      paths.stepped.push({ segments, open });
    } else if (open) {
      const base = pattern.substring(0, pattern.length - 3);
      if (base !== "") paths.exact[base] = true;
      paths.below.push(`${base}/`);
    } else {
      paths.exact[pattern] = true;
    }
  }
  return paths;
}

/** Whether some pattern matches the path. */
export function matchesPath(paths: CompiledPaths, path: string): boolean {
  if (paths.exact[path] === true) return true;
  const below = paths.below;
  for (let i = 0; i < below.length; i++) {
    const base = below[i] as string;
    if (path.substring(0, base.length) === base) return true;
  }
  const stepped = paths.stepped;
  for (let i = 0; i < stepped.length; i++) {
    if (steps(stepped[i] as SteppedPattern, path)) return true;
  }
  return false;
}

function steps({ segments, open }: SteppedPattern, path: string): boolean {
  let from = 1;
  for (let i = 0; i < segments.length; i++) {
    // Behind the end there is no further segment, not even an empty one.
    if (from > path.length) return false;
    let stop = from;
    while (stop < path.length && path.charCodeAt(stop) !== SLASH) stop += 1;
    const segment = segments[i] as string;
    if (segment === "*") {
      if (stop === from) return false;
    } else if (path.substring(from, stop) !== segment) {
      return false;
    }
    from = stop + 1;
  }
  return open || from > path.length;
}
