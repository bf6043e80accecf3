import { defineErrors } from "../../kernel/errors.ts";

export const accessErrors = defineErrors({
  cidrInvalid: { code: "access.cidr_invalid", status: 422, title: "That is no address and no CIDR block" },
  addressInvalid: { code: "access.address_invalid", status: 422, title: "That is no IP address" },
  expiryPast: { code: "access.expiry_past", status: 422, title: "The entry would end before it begins" },
  escalationEndless: {
    code: "access.escalation_endless",
    status: 422,
    title: "Only a ban with an end can be made longer each time",
  },
  entryUnknown: { code: "access.entry_unknown", status: 404, title: "The list has no such entry" },
  policyInvalid: { code: "policy.invalid", status: 422, title: "The policy document has faults" },
  preconditionMissing: {
    code: "policy.precondition_required",
    status: 428,
    title: "Say by If-Match which revision this replaces",
  },
  revisionStale: { code: "policy.stale", status: 412, title: "Somebody has published in between" },
  recordUnavailable: {
    code: "decisions.unavailable",
    status: 503,
    title: "The record of decisions is in Redis, which can't be reached",
  },
  geoUnknown: {
    code: "geo.unavailable",
    status: 503,
    title: "What edges told of their geo data is in Redis, which can't be reached",
  },
  revisionUnknown: { code: "policy.revision_unknown", status: 404, title: "There is no such revision" },
});
