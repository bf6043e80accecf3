import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mmdbOf } from "../../contract/cases/mmdb.ts";
import type { SystemOptions } from "../src/system.ts";

const networks = mmdbOf(
  {
    "46.4.0.0/16": { autonomous_system_number: 24_940 },
    "133.0.0.0/8": { autonomous_system_number: 2_907 },
  },
  { type: "Test-ASN" },
);

const folder = mkdtempSync(join(tmpdir(), "sluice-networks-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, "asn.mmdb");
writeFileSync(file, networks);

/** Its edge knows networks by number, and orders live longer than any test of it. */
export const operatedShop: SystemOptions = { orderTtlSeconds: 600, environment: { GEOIP_ASN_DB: file } };
