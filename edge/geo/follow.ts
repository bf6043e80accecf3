import { setTimeout as delay } from "node:timers/promises";
import type { GeoReport } from "@sluice/contract/geo-report.ts";
import { compileGeo, type GeoFiles, stampOf } from "./compile.ts";

/** A file that is copied into its place and not renamed is left alone until it is the same at two looks. */
const LOOK_INTERVAL_MS = 500;

/**
 * Compiles a source anew when it was replaced, beside the edge: workers have better things to do, and find the new
 * table by themselves. Looks by path, as a mount that was swapped raises no event.
 */
export async function followGeo(
  files: GeoFiles,
  folder: string,
  tell: (report: GeoReport) => void,
  stopping: AbortSignal,
): Promise<void> {
  const look = () => [files.country, files.asn].map((file) => file && (stampOf(file) ?? "none")).join("\n");
  let compiled = look();
  tell(compileGeo(files, folder, Date.now()));
  for (let seen = compiled; ; ) {
    await delay(LOOK_INTERVAL_MS, undefined, { signal: stopping });
    const now = look();
    const isStill = now === seen;
    seen = now;
    if (now === compiled || !isStill) continue;
    compiled = now;
    tell(compileGeo(files, folder, Date.now()));
  }
}
