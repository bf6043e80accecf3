/**
 * Path patterns for the layer rules: `**` is any number of folders, `*` is part of one name, and `{word}` is
 * one whole name that is captured, or, in a pattern that is filled in, the name that was captured.
 */
export function matchPattern(pattern: string, path: string): Record<string, string> | undefined {
  const match = regexFor(pattern).exec(path);
  return match === null ? undefined : { ...match.groups };
}

/** Puts captured names in: `contexts/{context}/domain/**` → `contexts/catalog/domain/**` */
export function fillPattern(pattern: string, names: Readonly<Record<string, string>>): string {
  return pattern.replace(/\{(\w+)\}/g, (written, name: string) => names[name] ?? written);
}

const known = new Map<string, RegExp>();

function regexFor(pattern: string): RegExp {
  const found = known.get(pattern);
  if (found !== undefined) return found;
  const source = pattern.replace(/\*\*|\*|\{(\w+)\}|[^\w/]/g, (part, name: string | undefined) => {
    if (part === "**") return ".+";
    if (part === "*") return "[^/]*";
    return name === undefined ? `\\${part}` : `(?<${name}>[^/]+)`;
  });
  const made = new RegExp(`^${source}$`);
  known.set(pattern, made);
  return made;
}
