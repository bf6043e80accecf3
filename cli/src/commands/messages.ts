import type { Command } from "commander";
import { askOrigin } from "./ask-origin.ts";
import { finish } from "./finish.ts";

const without = "there is no live data to look at";

/** trace, parked: what became of an order and its messages, and of messages that nobody could handle. */
export function addMessageCommands(program: Command): void {
  program
    .command("trace")
    .description("follow one thing through history, ledger, payments, outbox and broker")
    .command("order")
    .argument("<id>")
    .option("--json", "for programs")
    .action((id, options) => finish(askOrigin(without, ["trace", "order", id, ...asJson(options)])));

  const parked = program
    .command("parked")
    .description("messages that nobody could handle, with the reason; exit code 1 for one that is not there");
  parked
    .command("list")
    .description("the newest first")
    .option("--json", "for programs")
    .action((options) => finish(askOrigin(without, ["parked", "list", ...asJson(options)])));
  parked
    .command("show")
    .description("one message, whole")
    .argument("<id>")
    .option("--json", "for programs")
    .action((id, options) => finish(askOrigin(without, ["parked", "show", id, ...asJson(options)])));
  parked
    .command("retry")
    .description("send it to its queue again, through the outbox")
    .argument("<id>")
    .action((id) => finish(askOrigin(without, ["parked", "retry", id])));
  parked
    .command("drop")
    .description("forget it")
    .argument("<id>")
    .action((id) => finish(askOrigin(without, ["parked", "drop", id])));
}

function asJson({ json }: { json?: boolean }): string[] {
  return json ? ["--json"] : [];
}
