/** What an nginx.conf consists of: directives with arguments, some of them with a block. */
export interface Statement {
  readonly name: string;
  readonly args: readonly string[];
  /** Printed above, one line each. */
  readonly comment?: string;
  readonly block?: readonly Statement[];
  /** A block of Lua text, as it is. */
  readonly lua?: string;
}

export function statement(name: string, ...args: readonly (string | number)[]): Statement {
  return { name, args: args.map(String) };
}

export function onOff(name: string, value: boolean | undefined): Statement[] {
  return value === undefined ? [] : [statement(name, value ? "on" : "off")];
}

/** One statement when there is a value, with the unit that nginx wants behind it. */
export function measure(name: string, value: number | undefined, unit: "" | "ms" | "s" = ""): Statement[] {
  return value === undefined ? [] : [statement(name, `${value}${unit}`)];
}

export function optional(name: string, value: string | undefined): Statement[] {
  return value === undefined ? [] : [statement(name, value)];
}

/** Indented text. Every line of it can be found by name; nothing is folded or sorted. */
export function printStatements(statements: readonly Statement[], indent = ""): string {
  let text = "";
  let previousHadBlock = false;
  for (const [index, { name, args, comment, block, lua }] of statements.entries()) {
    const hasBlock = block !== undefined || lua !== undefined;
    if (index > 0 && (block !== undefined || previousHadBlock)) text += "\n";
    for (const line of comment?.split("\n") ?? []) text += `${indent}# ${line}\n`;
    const head = [name, ...args.map(printArgument)].join(" ");
    if (block !== undefined) {
      text += `${indent}${head} {\n${printStatements(block, `${indent}    `)}${indent}}\n`;
    } else if (lua !== undefined) {
      text += `${indent}${head} {\n${indentLua(lua, `${indent}    `)}${indent}}\n`;
    } else {
      text += `${indent}${head};\n`;
    }
    previousHadBlock = hasBlock && block !== undefined;
  }
  return text;
}

/**
 * nginx ends a bare word at white space, `;`, `{` and `}`; quotes and `#` mean something at its start. Whatever has
 * any of these goes in quotes, in those that it doesn't hold itself. `$` still stands for a variable inside. nginx
 * reads a backslash as an escape only before a quote, a backslash, t, r and n, so `\d` stays as it is.
 */
export function printArgument(argument: string): string {
  if (argument.includes("\0")) throw new TypeError("an nginx argument cannot hold a NUL");
  if (/^[^\s;{}"'\\#]+$/.test(argument)) return argument;
  const quote = argument.includes('"') && !argument.includes("'") ? "'" : '"';
  const escaped = argument.replace(/\\(?=[\\"'trn]|$)/g, "\\\\").replaceAll(quote, `\\${quote}`);
  return quote + escaped + quote;
}

function indentLua(text: string, indent: string): string {
  return text
    .trim()
    .split("\n")
    .map((line) => (line === "" ? "\n" : `${indent}${line}\n`))
    .join("");
}
