import { openHome } from "../process/home.ts";
import { livingRecord } from "../process/record.ts";
import { readSettings } from "../settings.ts";
import { type PartHealth, systemHealth } from "../system/health.ts";
import { runningSettings } from "../system/running-settings.ts";

/** Exit code 0 only when every part is healthy, so that scripts can ask. */
export async function status(options: { json?: boolean }): Promise<number> {
  const settings = readSettings();
  const home = openHome(settings.homeRoot);
  const parts = await systemHealth(runningSettings(settings) ?? settings, home, new Date());
  const supervisor = livingRecord(home, "supervisor")?.pid ?? null;
  const healthy = parts.every((part) => part.state === "healthy");
  if (options.json) console.log(JSON.stringify({ healthy, supervisor, parts }, null, 2));
  else console.log(table(parts, supervisor));
  return healthy ? 0 : 1;
}

function table(parts: PartHealth[], supervisor: number | null): string {
  const rows = parts.map((part) => [
    part.name,
    part.pid === null ? "-" : String(part.pid),
    part.port === null ? "-" : String(part.port),
    part.state,
    part.uptimeSeconds === null ? "-" : duration(part.uptimeSeconds),
    String(part.restarts),
    part.reason?.split("\n")[0] ?? "",
  ]);
  const head = ["name", "pid", "port", "state", "up", "restarts", ""];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] as string).length)),
  );
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join("  ")
      .trimEnd(),
  );
  const foot = supervisor === null ? "no supervisor: nothing restarts what dies" : `supervisor ${supervisor}`;
  return `${lines.join("\n")}\n\n${foot}`;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`;
}
