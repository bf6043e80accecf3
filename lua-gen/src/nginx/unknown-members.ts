export const unknownMemberDiagnostic = {
  code: "LG017",
  title: "Unknown member of the configuration",
} as const;

/** The configuration holds what no directive is made of; thrown before anything is printed. */
export class UnknownMemberError extends TypeError {
  readonly code = unknownMemberDiagnostic.code;
}

/** Members that are there for others: the comparison with `@phase`, and the compiler. */
const readElsewhere = new Set(["calls", "allowedIn"]);

/**
 * Calls `read` with a copy of `config`, and throws when it leaves a member unread. So there is no list of known members
 * to keep: what nothing is made of is unknown, be it misspelt, or beside another that excludes it. The compiler
 * finds most of it before, but not what comes in by a spread, or from JavaScript.
 */
export function readWhole<T, R>(config: T, read: (config: T) => R): R {
  const unread = new Set<string>();
  const result = read(watched(config, "", unread));
  // Of a member that is unknown, all that it holds is unread too.
  const outermost = [...unread].filter((path) => ![...unread].some((other) => isInside(path, other)));
  if (outermost.length > 0) {
    throw new UnknownMemberError(
      `Nothing in nginx.conf is made of ${outermost.join(", ")}: misspelt, in the wrong block, or beside what excludes it.`,
    );
  }
  return result;
}

function watched<T>(part: T, path: string, unread: Set<string>): T {
  if (Array.isArray(part)) return part.map((one, index) => watched(one, `${path}[${index}]`, unread)) as T;
  if (typeof part !== "object" || part === null) return part;
  const copy = {};
  for (const [name, value] of Object.entries(part)) {
    if (readElsewhere.has(name)) {
      Object.assign(copy, { [name]: value });
      continue;
    }
    const member = path === "" ? name : `${path}.${name}`;
    // Whoever writes `undefined` wants nothing.
    if (value !== undefined) unread.add(member);
    const inside = watched(value, member, unread);
    const get = () => {
      unread.delete(member);
      return inside;
    };
    Object.defineProperty(copy, name, { enumerable: true, get });
  }
  return copy as T;
}

function isInside(path: string, other: string): boolean {
  return path.startsWith(`${other}.`) || path.startsWith(`${other}[`);
}
