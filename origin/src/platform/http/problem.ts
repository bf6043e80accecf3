import { problemType } from "@sluice/contract/error-codes.ts";
import type { FastifyError } from "fastify";
import { type ErrorDefinition, type Fault, Refusal } from "../../kernel/errors.ts";
import { platformErrors } from "../errors.ts";

/** RFC 9457 problem details as this service writes them. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
  readonly errors?: readonly Fault[];
  readonly [member: string]: unknown;
}

declare module "fastify" {
  interface FastifyReply {
    /** Of the problem that was answered, for the log. */
    problemCode?: string;
  }
}

export const problemMediaType = "application/problem+json; charset=utf-8";

export function toProblem(refusal: Refusal, requestId: string): Problem {
  const { definition, details } = refusal;
  return {
    type: problemType(definition.code),
    title: definition.title,
    status: definition.status,
    code: definition.code,
    detail: details.detail ?? definition.title,
    requestId,
    ...(details.faults === undefined ? {} : { errors: details.faults }),
    ...details.members,
  };
}

/** Anything a route can throw, as the refusal that the client sees. What nobody foresaw is `internal`. */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (!(error instanceof Error)) return new Refusal(platformErrors.internal, { cause: error });
  const { code, statusCode = 500 } = error as Partial<FastifyError>;
  const known = byStatus[statusCode];
  if (known !== undefined) return new Refusal(known, { cause: error });
  if (statusCode >= 400 && statusCode < 500) {
    return new Refusal(platformErrors.malformed, { detail: unreadableDetail(code), cause: error });
  }
  return new Refusal(platformErrors.internal, { cause: error });
}

/**
 * What Fastify refuses by itself, by the status that it gives. Its other 4xx are what could not be read:
 * broken JSON, an empty body that claims to be JSON, a bad URL or Content-Length.
 */
const byStatus: Readonly<Record<number, ErrorDefinition>> = {
  404: platformErrors.routeUnknown,
  408: platformErrors.timeout,
  413: platformErrors.tooLarge,
  // A part of the path beyond `pathParameterLengthMax`.
  414: { ...platformErrors.tooLarge, status: 414 },
  415: platformErrors.mediaType,
  431: platformErrors.headersTooLarge,
};

function unreadableDetail(code: string | undefined): string {
  if (code === "FST_ERR_CTP_EMPTY_JSON_BODY") return "the body is empty, yet its content-type says JSON";
  if (code === "FST_ERR_CTP_INVALID_CONTENT_LENGTH") return "the body's size differs from content-length";
  if (code === "FST_ERR_BAD_URL") return "the path is not validly encoded";
  if (code === undefined || code.startsWith("FST_ERR_CTP_")) return "the body is not valid JSON";
  return platformErrors.malformed.title;
}
