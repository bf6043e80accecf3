import type { FastifySchemaCompiler } from "fastify";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Value } from "typebox/value";
import { type Fault, Refusal } from "../../kernel/errors.ts";
import { platformErrors } from "../errors.ts";

/** More faults than this in one answer help nobody. */
const faultsMax = 20;

/**
 * Bodies are taken as they are: `"1"` is no number there. Query and path come as text, so they are read by
 * their schema, and defaults are filled in.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema);
  return (input: unknown) => {
    const value = httpPart === "body" ? input : readTexts(schema, Value.Default(schema, input));
    if (check.Check(value)) return { value };
    const faults = faultsIn(check.Errors(value)).slice(0, faultsMax);
    return {
      error: new Refusal(platformErrors.invalid, { detail: summary(httpPart, faults), faults }),
    };
  };
};

/** Of each value one spelling is taken, so that caches, logs and rules see one resource under one name. */
function readTexts(schema: TSchema, input: unknown): unknown {
  const { properties = {} } = schema as { properties?: Record<string, { readonly type?: string }> };
  const read = Object.entries(input as object).map(([name, value]) => {
    const type = Object.hasOwn(properties, name) ? properties[name]?.type : undefined;
    return [name, typeof value === "string" ? readText(type, value) : value];
  });
  return Object.fromEntries(read);
}

/** Decimal digits as one would count; `01`, `+1`, `1e0` or `0x1` stay text, and the schema refuses them. */
const integerForm = /^(0|-?[1-9][0-9]{0,15})$/;

function readText(type: string | undefined, text: string): unknown {
  if (type === "integer" && integerForm.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

interface SchemaError {
  readonly schemaPath: string;
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/** Of a union only the union itself is at fault: what each of its forms misses would mislead. */
function faultsIn(errors: readonly SchemaError[]): Fault[] {
  const unions = errors.filter(({ keyword }) => keyword === "anyOf");
  const within = (error: SchemaError, { schemaPath }: SchemaError) =>
    error.schemaPath.startsWith(`${schemaPath}/anyOf/`);
  return errors
    .filter((error) => !unions.some((union) => within(error, union)))
    .flatMap((error) => {
      if (error.keyword !== "anyOf") return faultsOf(error);
      const alternatives = errors.filter((other) => within(other, error));
      const allowed = alternatives.map(({ params }) => (params as { allowedValue?: unknown }).allowedValue);
      const message = allowed.includes(undefined)
        ? "fits none of the forms that are accepted"
        : `must be one of ${allowed.join(", ")}`;
      return [{ pointer: error.instancePath, message }];
    });
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
