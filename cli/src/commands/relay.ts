import type { Command } from "commander";
import { askOrigin } from "./ask-origin.ts";
import { finish } from "./finish.ts";

const WITHOUT = "no relay is there to ask";

export function addRelayCommands(program: Command): void {
  const relay = program.command("relay").description("what carries changes to Redis, edges and RabbitMQ");
  relay
    .command("status")
    .description(
      "position, lag, rate, queues and last error of the relay that leads; exit code 1 when none does",
    )
    .option("--json", "for programs")
    .action(({ json }: { json?: boolean }) =>
      finish(askOrigin(WITHOUT, ["relay-status", ...(json ? ["--json"] : [])])),
    );
  relay
    .command("rebuild")
    .description("fill projections from their tables anew, in place, while everything goes on")
    .option("--projection <table>", "only this one")
    .option("--from-scratch", "remove all of them first: who needs them is refused until they are complete")
    .action((options: { projection?: string; fromScratch?: boolean }) =>
      finish(askOrigin(WITHOUT, rebuild(options))),
    );
}

function rebuild({ projection, fromScratch }: { projection?: string; fromScratch?: boolean }): string[] {
  const args = ["relay-rebuild"];
  if (projection !== undefined) args.push("--projection", projection);
  if (fromScratch) args.push("--from-scratch");
  return args;
}
