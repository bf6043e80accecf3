import type { Command } from "commander";
import { callOperators } from "../operators/client.ts";
import { finish } from "./finish.ts";

interface Ledger {
  stock: Record<"total" | "available" | "reserved" | "sold", number>;
  movements: {
    kind: string;
    quantity: number;
    orderId: string | null;
    actor: string;
    reason: string;
    at: string;
  }[];
  nextBefore: number | null;
}

/** Who moved a product's pieces, newest first. */
export function addStockCommand(program: Command): void {
  program
    .command("stock")
    .description("a product's stock, and its ledger: who moved how many pieces, why, and for which order")
    .argument("<product>", "its id")
    .option("--limit <count>", "movements to show, newest first", "50")
    .action((product, options: { limit: string }) => finish(showLedger(product, Number(options.limit))));
}

async function showLedger(product: string, count: number): Promise<number> {
  if (!/^[1-9]\d*$/.test(product)) throw new Error("which product? Its id is a number");
  let left = count;
  let before: number | null = null;
  do {
    const limit = String(Math.min(left, 1_000));
    const query: Record<string, string | undefined> = { limit, before: before?.toString() };
    const { body } = await callOperators("GET", `/products/${product}/stock`, { query });
    const page = body as Ledger;
    if (before === null) {
      const { total, available, reserved, sold } = page.stock;
      console.log(`total ${total}  available ${available}  reserved ${reserved}  sold ${sold}`);
    }
    for (const { at, kind, quantity, orderId, actor, reason } of page.movements) {
      console.log(
        `${at}  ${kind.padEnd(7)} ${String(quantity).padStart(6)}  ${actor}  ${orderId ?? "-"}  ${reason}`,
      );
    }
    left -= page.movements.length;
    before = page.nextBefore;
  } while (before !== null && left > 0);
  return 0;
}
