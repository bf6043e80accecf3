import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Shopper } from "./shoppers.ts";

const SHOPPERS_MAX = 500;

/** wrk: each shopper in turn asks for a challenge, and buys with one that is none. */
export function refusalScript(
  folder: string,
  saleId: number,
  shoppers: readonly Shopper[],
  inTurnAndReported: string,
): string {
  const file = join(folder, "refusals.lua");
  const tokens = shoppers.slice(0, SHOPPERS_MAX).map(({ headers }) => {
    const [, token = ""] = /authorization: ([^\r]+)/.exec(headers) ?? [];
    const [, address = ""] = /x-forwarded-for: ([^\r]+)/.exec(headers) ?? [];
    return `{"${token}", "${address}"}`;
  });
  writeFileSync(
    file,
    `local shoppers = {${tokens.join(",\n")}}
local made = {}
local at = 0

function init(args)
  at = tonumber(args[1] or "0")
  for i, shopper in ipairs(shoppers) do
    local headers = { ["Authorization"] = shopper[1], ["X-Forwarded-For"] = shopper[2], ["Host"] = "bench.example",
      ["Content-Type"] = "application/json" }
    made[2 * i - 1] = wrk.format("POST", "/flash-sales/${saleId}/challenges", headers, "")
    made[2 * i] = wrk.format("POST", "/flash-sales/${saleId}/purchases", headers, '{"challenge":"x"}')
  end
end

${inTurnAndReported}`,
  );
  return file;
}
