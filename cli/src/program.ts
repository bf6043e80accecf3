import { Command } from "commander";
import { audit } from "./commands/audit.ts";
import { addBulkCommands } from "./commands/bulk-lists.ts";
import { down } from "./commands/down.ts";
import { finish } from "./commands/finish.ts";
import { addGeoCommands } from "./commands/geo.ts";
import { addKeyCommands } from "./commands/keys.ts";
import { addListCommands } from "./commands/lists.ts";
import { addMessageCommands } from "./commands/messages.ts";
import { addPolicyCommands } from "./commands/policy.ts";
import { addRelayCommands } from "./commands/relay.ts";
import { reset } from "./commands/reset.ts";
import { addSaleCommands } from "./commands/sales.ts";
import { addSimulateCommand } from "./commands/simulate.ts";
import { status } from "./commands/status.ts";
import { addStockCommand } from "./commands/stock.ts";
import { testCompose } from "./commands/test-compose.ts";
import { addTrailCommand } from "./commands/trail.ts";
import { supervise, up } from "./commands/up.ts";
import { testRun } from "./test-run.ts";

/** Every command, with its help. Nothing runs before it is parsed. */
export function createProgram(): Command {
  const program = new Command("sluice")
    .description("Brings a private Sluice up and down, and asks it. Everything it owns lies in .sluice/.")
    .addHelpText(
      "after",
      `
Environment: SLUICE_HOME, and the ports EDGE_PORT OPS_PORT API_PORT PAYMENTS_PORT MYSQL_PORT REDIS_PORT
RABBITMQ_PORT RABBITMQ_DIST_PORT RABBITMQ_EPMD_PORT. Whatever else is set (ORDER_TTL_SECONDS, LOG_LEVEL, …)
reaches the processes that are started.`,
    );

  program
    .command("up")
    .description("start everything, wait until it is healthy, keep it running")
    .option("-d, --detach", "return when everything is healthy, and leave it running in the background")
    .action((options) => finish(up(options)));
  program
    .command("down")
    .description("stop everything; the data stays")
    .action(() => finish(down()));
  program
    .command("status")
    .description("each part with its pid, port, health and uptime; exit code 0 when all are healthy")
    .option("--json", "for programs")
    .action((options) => finish(status(options)));
  program
    .command("reset")
    .description("stop everything and remove all data, keys and logs")
    .option("-y, --yes", "don't ask")
    .action((options) => finish(reset(options)));
  program
    .command("audit")
    .description("check every invariant on the live data; exit code 1 when one is broken")
    .action(() => finish(audit()));
  program
    .command("test", { hidden: true })
    .argument("[files...]", "test files; all when none is named")
    .action((files) => finish(testRun(files)));
  program
    .command("test-compose", { hidden: true })
    .argument("[files...]", "test files; all journeys when none is named")
    .action((files) => finish(testCompose(files)));
  addPolicyCommands(program);
  addListCommands(program);
  addBulkCommands(program);
  addGeoCommands(program);
  addStockCommand(program);
  addSaleCommands(program);
  addSimulateCommand(program);
  addKeyCommands(program);
  addTrailCommand(program);
  addMessageCommands(program);
  addRelayCommands(program);
  program.command("supervise", { hidden: true }).action(() => finish(supervise()));
  return program;
}
