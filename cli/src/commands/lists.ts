import type { Command } from "commander";
import { type BanPreview, banRisks } from "../operators/ban-risks.ts";
import { callOperators } from "../operators/client.ts";
import { instantAfter } from "../operators/duration.ts";
import { formatTable } from "../operators/table.ts";
import { finish } from "./finish.ts";

type ListName = "allow" | "deny";

interface EntryOptions {
  reason?: string;
  for?: string;
  list?: boolean;
  remove?: boolean;
  escalate?: boolean;
  json?: boolean;
}

interface Entry {
  cidr: string;
  reason: string;
  source: string;
  createdAt: string;
  expiresAt: string | null;
}

/** ban, unban, allow: the two address lists, in the words that an operator under attack has in mind. */
export function addListCommands(program: Command): void {
  addEntryOptions(program.command("ban").description("refuse an address or range at the edge, at once"))
    .option("--list", "show who is banned")
    .option("-y, --yes", "also when it hits somebody on the allow list, or much of the recent traffic")
    .option("--escalate", "for twice as long as the last time, if it was banned before; at most 30 days")
    .option("--max-share <percent>", "how much of the recent traffic is much", "5")
    .action((cidr, options) => finish(options.list ? show("deny", options) : ban(cidr, options)));
  program
    .command("unban")
    .description("take an address or range off the deny list")
    .argument("<cidr>", "exactly as it was banned: 203.0.113.9, 203.0.113.0/24, 2001:db8::/32")
    .option("--json", "for programs")
    .action((cidr, options) => finish(remove("deny", cidr, options)));
  addEntryOptions(
    program.command("allow").description("admit an address or range, whatever else the policy says"),
  )
    .option("--list", "show who is allowed")
    .option("--remove", "take it off the allow list again")
    .action((cidr, options: EntryOptions) => {
      if (options.list) return finish(show("allow", options));
      return finish(options.remove ? remove("allow", cidr, options) : put("allow", cidr, options));
    });
}

function addEntryOptions(command: Command): Command {
  return command
    .argument("[cidr]", "203.0.113.9, 203.0.113.0/24, 2001:db8::/32")
    .option("-r, --reason <text>", "why, for whoever reads the list later")
    .option("--for <duration>", "until then only: 30m, 12h, 7d")
    .option("--json", "for programs");
}

interface BanOptions extends EntryOptions {
  yes?: boolean;
  maxShare: string;
}

/** Nobody is to be surprised by their own ban: what it would hit is looked up first. */
async function ban(cidr: string | undefined, options: BanOptions): Promise<number> {
  if (cidr !== undefined && !options.yes) {
    const answer = await callOperators("POST", "/lists/deny/preview", { body: { cidr } });
    const risks = banRisks(answer.body as BanPreview, options.maxShare);
    if (risks.length > 0 && options.json) {
      console.log(JSON.stringify({ banned: false, risks }, null, 2));
      return 1;
    }
    if (risks.length > 0) {
      console.error(`${cidr} was not banned:\n${risks.map((risk) => `  ${risk}`).join("\n")}`);
      console.error("Say --yes to ban it all the same.");
      return 1;
    }
  }
  return put("deny", cidr, options);
}

async function put(list: ListName, cidr: string | undefined, options: EntryOptions): Promise<number> {
  if (cidr === undefined) throw new Error("which address? For example: 203.0.113.9 or 203.0.113.0/24");
  const expiresAt = options.for === undefined ? undefined : instantAfter(options.for, new Date());
  const body = { cidr, reason: options.reason, source: "cli", expiresAt, escalate: options.escalate };
  const answer = await callOperators("POST", `/lists/${list}`, { body });
  const entry = answer.body as Entry & { bans?: number };
  if (options.json) {
    console.log(JSON.stringify(entry, null, 2));
    return 0;
  }
  console.log(line(list, entry));
  if (entry.bans !== undefined) console.log(`ban number ${entry.bans} of this block`);
  return 0;
}

async function remove(list: ListName, cidr: string | undefined, { json }: EntryOptions): Promise<number> {
  if (cidr === undefined) throw new Error("which address? `--list` shows them");
  await callOperators("DELETE", `/lists/${list}`, { query: { cidr } });
  console.log(json ? JSON.stringify({ removed: true, list, cidr }) : `${cidr} is off the ${list} list`);
  return 0;
}

/** A longer table nobody reads; `lists export` has all of it, in bounded memory. */
const SHOWN_MAX = 10_000;
const PAGE_SIZE = 1_000;

async function show(list: ListName, { json }: EntryOptions): Promise<number> {
  const entries: Entry[] = [];
  let cursor: string | undefined;
  do {
    const limit = String(PAGE_SIZE);
    const { body } = await callOperators("GET", `/lists/${list}`, { query: { cursor, limit } });
    const page = body as { entries: Entry[]; nextCursor: string | null };
    entries.push(...page.entries);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && entries.length < SHOWN_MAX);
  if (json) console.log(JSON.stringify({ entries, more: cursor !== undefined }, null, 2));
  else {
    const rows = entries.map((entry) => [
      entry.cidr,
      entry.expiresAt === null ? "for good" : `until ${entry.expiresAt}`,
      entry.createdAt,
      entry.source,
      entry.reason,
    ]);
    console.log(formatTable(["block", "ends", "since", "source", "reason"], rows));
  }
  if (cursor !== undefined) console.error(`… and more: npx sluice lists export ${list}`);
  return 0;
}

function line(list: ListName, { cidr, reason, expiresAt }: Entry): string {
  return `${list}  ${cidr}  ${expiresAt === null ? "for good" : `until ${expiresAt}`}  ${reason}`.trimEnd();
}
