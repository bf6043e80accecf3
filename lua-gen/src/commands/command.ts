import { type ParseArgsConfig, parseArgs } from "node:util";

export interface Command {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  readonly help: string;
  /**
   * Returns the exit status. Throws {@link UsageError} when the arguments make no sense. Loads the compiler only
   * when it is needed: it takes a second, and help shall come at once.
   */
  run(args: readonly string[]): number | Promise<number>;
}

/** The caller asked for something that the command doesn't have; shown with the command's help. */
export class UsageError extends Error {}

type Options = NonNullable<ParseArgsConfig["options"]>;

/** Like `parseArgs` of `node:util`, but what is wrong with the arguments becomes a {@link UsageError}. */
export function parseOptions<const O extends Options>(
  args: readonly string[],
  options: O,
  positionalsMax = 0,
) {
  try {
    const parsed = parseArgs({
      args: [...args],
      options,
      allowPositionals: positionalsMax > 0,
      strict: true,
    });
    if (parsed.positionals.length > positionalsMax) {
      throw new UsageError(`unexpected argument "${parsed.positionals[positionalsMax]}"`);
    }
    return parsed;
  } catch (error) {
    if (error instanceof UsageError || !isParseError(error)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

function isParseError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_");
}
