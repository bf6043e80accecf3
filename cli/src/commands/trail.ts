import type { Command } from "commander";
import { callOperators } from "../operators/client.ts";
import { instantBefore } from "../operators/duration.ts";
import { formatTable } from "../operators/table.ts";
import { finish } from "./finish.ts";

interface Entry {
  at: string;
  kind: string;
  userId: number | null;
  sessionId: string | null;
  operator: string | null;
  detail: string | null;
  address: string;
  country: string;
  device: string;
}

interface TrailOptions {
  user?: string;
  session?: string;
  kind?: string;
  address?: string;
  since?: string;
  limit: string;
  json?: boolean;
}

export function addTrailCommand(program: Command): void {
  program
    .command("trail")
    .description("who signed in, was refused, or was ended: the latest first")
    .option("--user <id>", "of one user")
    .option("--session <id>", "of one session")
    .option("--kind <kind>", "signed_in, sign_in_refused, refresh_reused, …")
    .option("--address <address>", "from one address")
    .option("--since <duration>", "within the last 30m, 12h, 7d")
    .option("--limit <n>", "at most so many", "50")
    .option("--json", "for programs: a line for each")
    .action((options) => finish(show(options)));
}

async function show({ user, session, kind, address, since, limit, json }: TrailOptions): Promise<number> {
  const query = {
    userId: user,
    sessionId: session,
    kind,
    address,
    since: since === undefined ? undefined : instantBefore(since, new Date()),
    limit,
  };
  const { entries } = (await callOperators("GET", "/audit", { query })).body as { entries: Entry[] };
  if (json) for (const entry of entries) console.log(JSON.stringify(entry));
  else console.log(formatTable(["at", "what", "user", "from", "with", "more"], entries.map(row)));
  return 0;
}

function row(entry: Entry): string[] {
  const { at, kind, userId, address, country, device, operator, detail } = entry;
  const more = [operator === null ? "" : `by ${operator}`, detail ?? ""].filter((part) => part !== "");
  return [at, kind, userId === null ? "-" : String(userId), `${address} ${country}`, device, more.join(", ")];
}
