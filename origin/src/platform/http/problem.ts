import { problemType } from "@sluice/contract/error-codes.ts";
import type { FastifyError } from "fastify";
import { type Fault, Refusal } from "../../kernel/errors.ts";
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
  const code = (error as FastifyError).code;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return new Refusal(platformErrors.tooLarge, { cause: error });
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE")
    return new Refusal(platformErrors.mediaType, { cause: error });
  if (isUnreadable(error)) {
    return new Refusal(platformErrors.malformed, { detail: unreadableDetail(code), cause: error });
  }
  return new Refusal(platformErrors.internal, { cause: error });
}

/** Fastify's own 400s: broken JSON, an empty body that claims to be JSON, a bad URL or Content-Length. */
function isUnreadable(error: Error): boolean {
  return (error as FastifyError).statusCode === 400;
}

function unreadableDetail(code: string | undefined): string {
  if (code === "FST_ERR_CTP_EMPTY_JSON_BODY") return "the body is empty, yet its content-type says JSON";
  if (code === "FST_ERR_CTP_INVALID_CONTENT_LENGTH") return "the body's size differs from content-length";
  if (code === "FST_ERR_BAD_URL") return "the path is not validly encoded";
  return "the body is not valid JSON";
}
