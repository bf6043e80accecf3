import { REQUEST_MALFORMED, REQUEST_TOO_LARGE, ROUTE_NOT_FOUND } from "@sluice/contract/error-codes.ts";
import { defineErrors } from "../kernel/errors.ts";

/** Refusals that belong to no context: what HTTP itself and the services beneath can say. */
export const platformErrors = defineErrors({
  malformed: REQUEST_MALFORMED,
  tooLarge: REQUEST_TOO_LARGE,
  mediaType: { code: "request.media_type", status: 415, title: "The request body must be JSON" },
  headersTooLarge: { code: "request.headers_too_large", status: 431, title: "The headers are too large" },
  timeout: { code: "request.timeout", status: 408, title: "The request took too long to arrive" },
  invalid: { code: "validation.failed", status: 400, title: "The request has faults" },
  routeUnknown: ROUTE_NOT_FOUND,
  unavailable: {
    code: "service.unavailable",
    status: 503,
    title: "A service that this needs is not available",
  },
  outcomeUnknown: {
    code: "service.outcome_unknown",
    status: 503,
    title: "A service broke off before it said whether this was done",
  },
  stopping: { code: "service.stopping", status: 503, title: "This instance is stopping" },
  internal: { code: "internal", status: 500, title: "Something went wrong on our side" },
});
