import { openHome } from "../process/home.ts";
import { livingRecord } from "../process/record.ts";
import type { Ports, Settings } from "../settings.ts";

/**
 * The settings of the system that runs in this home: its ports are those it was started with, whatever the
 * environment of the present command says. Undefined when none runs.
 */
export function runningSettings(settings: Settings): Settings | undefined {
  const record = livingRecord(openHome(settings.homeRoot), "supervisor");
  return record
    ? { ...settings, ports: { ...settings.ports, ...(record.ports as Ports | undefined) } }
    : undefined;
}
