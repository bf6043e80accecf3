import type { Readable } from "node:stream";
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Refusal } from "../../kernel/errors.ts";
import { platformErrors } from "../errors.ts";

export const ndjsonMediaType = "application/x-ndjson";

export const ndjsonLimits = { lineLengthMax: 4_000, linesMax: 2_000_000 } as const;

/** One line: what it says, or what is wrong with it. Lines count from 1. */
export type NdjsonLine<Value> =
  | { readonly line: number; readonly value: Value }
  | { readonly line: number; readonly message: string };

/**
 * Reads newline-delimited JSON as it arrives; a slow reader slows the sender. Empty lines are passed over. A
 * line that is too long, or one too many, ends it by a refusal.
 */
export async function* readNdjson<Schema extends TSchema>(
  stream: Readable,
  schema: Schema,
  lineLengthMax: number = ndjsonLimits.lineLengthMax,
): AsyncGenerator<NdjsonLine<Static<Schema>>> {
  const check = Compile(schema);
  let line = 0;
  for await (const text of linesOf(stream, lineLengthMax)) {
    line += 1;
    if (line > ndjsonLimits.linesMax) {
      throw new Refusal(platformErrors.tooLarge, { detail: `more than ${ndjsonLimits.linesMax} lines` });
    }
    if (text.trim() === "") continue;
    const value = parsed(text);
    if (check.Check(value)) {
      yield { line, value: value as Static<Schema> };
      continue;
    }
    const first = value === undefined ? undefined : check.Errors(value)[0];
    const message =
      first === undefined ? "is not valid JSON" : `${first.instancePath} ${first.message}`.trim();
    yield { line, message };
  }
}

async function* linesOf(stream: Readable, lineLengthMax: number): AsyncGenerator<string> {
  stream.setEncoding("utf8");
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() as string;
    if (rest.length > lineLengthMax) {
      throw new Refusal(platformErrors.tooLarge, {
        detail: `a line of more than ${lineLengthMax}`,
      });
    }
    yield* lines;
  }
  yield rest;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
