import type { Command } from "commander";
import { callOperators } from "../operators/client.ts";
import { instantAfter } from "../operators/duration.ts";
import { formatTable } from "../operators/table.ts";
import { finish } from "./finish.ts";

export interface Sale {
  id: number;
  version: number;
  status: string;
  productId: number;
  priceCents: number;
  currency: string;
  total: number;
  perUserMax: number;
  perSecond: number;
  buyRate: number;
  countries: string[];
  startsAt: string;
  endsAt: string;
  pieces?: { total: number; available: number; putBack: number } | null;
  waiting?: number | null;
  tickets?: Record<string, number>;
}

interface TermOptions {
  price?: string;
  total?: string;
  perUser?: string;
  perSecond?: string;
  buyRate?: string;
  countries?: string;
  starts?: string;
  ends?: string;
  reason?: string;
}

/** Flash sales, from the draft to the end. Every change names the version that it was made of. */
export function addSaleCommands(program: Command): void {
  const sale = program.command("sale").description("flash sales: prepare, watch, pause, close");
  withTerms(
    sale
      .command("create")
      .description("a draft, of which only operators know")
      .argument("<product>", "its id"),
  ).action((product, options: TermOptions) => finish(create(product, options)));
  withTerms(sale.command("change").description("change its terms").argument("<sale>", "its id")).action(
    (id, options: TermOptions) => finish(change(id, termsOf(options))),
  );
  for (const [name, status, what] of steps) {
    sale
      .command(name)
      .description(what)
      .argument("<sale>", "its id")
      .option("--reason <text>", "for the record")
      .action((id, { reason }: { reason?: string }) =>
        finish(change(id, { status, ...(reason === undefined ? {} : { reason }) })),
      );
  }
  sale
    .command("list")
    .description("all of them, drafts too")
    .option("--json", "for programs")
    .action((options) => finish(list(options)));
  sale
    .command("show")
    .description("its terms, its pieces, who waits, and what became of tickets")
    .argument("<sale>", "its id")
    .option("--json", "for programs")
    .action((id, options) => finish(show(id, options)));
  sale
    .command("changes")
    .description("who changed what and why, newest first")
    .argument("<sale>", "its id")
    .option("--limit <count>", "changes to show", "50")
    .action((id, { limit }: { limit: string }) => finish(changes(id, Number(limit))));
}

const steps = [
  ["schedule", "SCHEDULED", "set its pieces aside; it opens by itself when its time has come"],
  ["open", "OPEN", "open it now, or again after a pause"],
  ["pause", "PAUSED", "let nobody in; who waits already is served"],
  ["end", "ENDED", "close it for good; what is left goes back to the product"],
] as const;

function withTerms(command: Command): Command {
  return command
    .option("--price <cents>", "of a piece, in the product's currency")
    .option("--total <pieces>", "pieces for sale")
    .option("--per-user <pieces>", "that one user may have")
    .option("--per-second <count>", "admissions a second")
    .option("--buy-rate <share>", "of buyers who may try, 0.0001 to 1")
    .option("--countries <list>", "two letters each, comma-separated; all without it")
    .option("--starts <when>", "2030-01-31T10:00:00Z, or 10m from now")
    .option("--ends <when>", "likewise")
    .option("--reason <text>", "for the record");
}

function termsOf(options: TermOptions): Record<string, unknown> {
  const { price, total, perUser, perSecond, buyRate, countries, starts, ends, reason } = options;
  const terms = {
    priceCents: numberOf("price", price),
    total: numberOf("total", total),
    perUserMax: numberOf("per-user", perUser),
    perSecond: numberOf("per-second", perSecond),
    buyRate: numberOf("buy-rate", buyRate),
    countries: countries === undefined ? undefined : countries.split(",").filter((one) => one !== ""),
    startsAt: instantOf(starts),
    endsAt: instantOf(ends),
    reason,
  };
  return Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined));
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new Error(`--${name} takes a number`);
  return value;
}

function instantOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return /^\d+[smhd]$/.test(text) ? instantAfter(text, new Date()) : text;
}

async function create(product: string, options: TermOptions): Promise<number> {
  const now = new Date();
  const body = {
    productId: idOf(product),
    startsAt: now.toISOString(),
    endsAt: instantAfter("1h", now),
    ...termsOf(options),
  };
  const { body: created } = await callOperators("POST", "/flash-sales", { body });
  return print(created as Sale);
}

async function change(id: string, wanted: Record<string, unknown>): Promise<number> {
  const path = `/flash-sales/${idOf(id)}`;
  const { etag } = await callOperators("GET", path);
  const headers = { "if-match": `"${etag}"` };
  return print((await callOperators("PATCH", path, { body: wanted, headers })).body as Sale);
}

async function list({ json }: { json?: boolean }): Promise<number> {
  const all: Sale[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const { body } = await callOperators("GET", "/flash-sales", {
      query: { after: String(after), limit: "100" },
    });
    const page = body as { items: Sale[]; nextAfter: number | null };
    all.push(...page.items);
    after = page.nextAfter;
  }
  if (json) console.log(JSON.stringify(all));
  else {
    const rows = all.map((sale) => [
      sale.id,
      sale.status,
      sale.productId,
      sale.total,
      sale.startsAt,
      sale.endsAt,
    ]);
    console.log(formatTable(["sale", "status", "product", "pieces", "starts", "ends"], rows));
  }
  return 0;
}

async function show(id: string, { json }: { json?: boolean }): Promise<number> {
  const sale = (await callOperators("GET", `/flash-sales/${idOf(id)}`)).body as Sale;
  if (json) console.log(JSON.stringify(sale));
  else print(sale);
  return 0;
}

async function changes(id: string, count: number): Promise<number> {
  let left = count;
  for (let before: number | null | undefined; before !== null && left > 0; ) {
    const query = { before: before?.toString(), limit: String(Math.min(left, 100)) };
    const { body } = await callOperators("GET", `/flash-sales/${idOf(id)}/changes`, { query });
    const page = body as {
      changes: { version: number; by: string; reason: string; at: string; sale: Sale }[];
      nextBefore: number | null;
    };
    for (const { version, at, by, reason, sale } of page.changes) {
      console.log(`${at}  ${String(version).padStart(4)}  ${sale.status.padEnd(9)}  ${by}  ${reason}`);
    }
    left -= page.changes.length;
    before = page.nextBefore;
  }
  return 0;
}

function print(sale: Sale): number {
  const { id, version, status, productId, priceCents, currency, total } = sale;
  console.log(`sale ${id}, version ${version}: ${status}`);
  console.log(`  product ${productId}, ${total} pieces at ${priceCents} cents ${currency}`);
  console.log(`  at most ${sale.perUserMax} for each user, ${sale.perSecond} admissions a second`);
  console.log(`  for ${sale.buyRate * 100} % of buyers from ${sale.countries.join(", ") || "everywhere"}`);
  console.log(`  ${sale.startsAt} to ${sale.endsAt}`);
  if (sale.pieces) console.log(`  ${sale.pieces.available} pieces left, ${sale.pieces.putBack} came back`);
  if (sale.tickets) {
    const tickets = Object.entries(sale.tickets).map(([outcome, count]) => `${count} ${outcome}`);
    console.log(`  ${sale.waiting ?? "?"} wait; ${tickets.join(", ") || "no tickets yet"}`);
  }
  return 0;
}

function idOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new Error(`"${text}" is no id: it is a number`);
  return Number(text);
}
