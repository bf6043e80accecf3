/**
 * Variables of nginx.conf that are made of others. nginx makes each when it is first asked for, once a request.
 */
import type { VariableMap } from "lua-gen/nginx/model.ts";

/** nginx's own `$request_id` is drawn by OpenSSL, which cost about 3 µs of the worker's time for each request. */
export const REQUEST_ID = "$sluice_id";

export function variableMaps(instance: string): VariableMap[] {
  return [
    {
      source:
        "One for each request: no two of a connection have the same number, no two connections the same id",
      from: "$connection",
      variable: "sluice_id",
      default: `${instance}-$msec-$connection-$connection_requests`,
      values: [],
    },
    {
      source: "A W3C trace context (level 1) that is well formed goes on; anything else is dropped.",
      from: "$http_traceparent",
      variable: "sluice_traceparent",
      default: "",
      values: [
        // Most requests have none: a regular expression need not look at nothing.
        ["", ""],
        ["~^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$", "$http_traceparent"],
      ],
    },
    {
      source:
        "Method and path as they came, for the log of what is not a route or could not be read. Printable ASCII up " +
        "to the query, so that a line is valid JSON whatever was sent; a path with other bytes is cut before them.",
      from: "$request",
      variable: "sluice_raw_method",
      default: "",
      values: [["~^(?<sluice_first_word>[A-Z]{1,16}) ", "$sluice_first_word"]],
    },
    {
      from: "$request_uri",
      variable: "sluice_raw_path",
      default: "",
      values: [
        ["~^(?<sluice_whole_path>[!->@-~]*)(?:\\?|$)", "$sluice_whole_path"],
        ["~^(?<sluice_path_start>[!->@-~]*)", "$sluice_path_start..."],
      ],
    },
  ];
}
