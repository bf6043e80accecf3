import type { FastifySchemaCompiler } from "fastify";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Value } from "typebox/value";
import { type Fault, Refusal } from "../../kernel/errors.ts";
import { platformErrors } from "../errors.ts";

/** More faults than this in one answer help nobody. */
const faultsMax = 20;

/**
 * Bodies are taken as they are: `"1"` is no number there. Query and path come as text, so they are
 * converted, and defaults are filled in.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema);
  return (input: unknown) => {
    const value = httpPart === "body" ? input : Value.Convert(schema, Value.Default(schema, input));
    if (check.Check(value)) return { value };
    const faults: Fault[] = [];
    for (const error of check.Errors(value)) {
      if (faults.length === faultsMax) break;
      faults.push(...faultsOf(error));
    }
    return {
      error: new Refusal(platformErrors.invalid, { detail: summary(httpPart, faults), faults }),
    };
  };
};

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/** A missing or an unknown property is reported at its own place, not at its parent's. */
function faultsOf({ keyword, instancePath, message, params }: SchemaError): Fault[] {
  const { requiredProperties, additionalProperties } = params as Record<string, string[] | undefined>;
  if (keyword === "required" && requiredProperties !== undefined) {
    return requiredProperties.map((name) => ({ pointer: child(instancePath, name), message: "is missing" }));
  }
  if (keyword === "additionalProperties" && additionalProperties !== undefined) {
    return additionalProperties.map((name) => ({
      pointer: child(instancePath, name),
      message: "is not known",
    }));
  }
  // Reported together with the property's own fault, which says more.
  if (keyword === "boolean") return [];
  return [{ pointer: instancePath, message }];
}

function child(pointer: string, name: string): string {
  return `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function summary(part: string | undefined, faults: readonly Fault[]): string {
  const [first] = faults;
  if (first === undefined) return `the ${part ?? "request"} has faults`;
  const place = first.pointer === "" ? `the ${part ?? "request"}` : first.pointer;
  return faults.length === 1
    ? `${place} ${first.message}`
    : `${place} ${first.message}, and ${faults.length - 1} more`;
}
