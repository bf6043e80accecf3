import type { Command } from "commander";
import { callOperators } from "../operators/client.ts";
import { formatTable } from "../operators/table.ts";
import { finish } from "./finish.ts";

interface Keys {
  keys: { kid: string; state: string; signsFrom: string; verifiesUntil: string | null }[];
}

/** The keys that sign access tokens. Private halves are never shown, nor sent anywhere. */
export function addKeyCommands(program: Command): void {
  const keys = program.command("keys").description("the keys that sign access tokens");
  keys
    .command("list")
    .description("which there are, and what they are good for")
    .option("--json", "for programs")
    .action((options) => finish(list(options)));
  keys
    .command("rotate")
    .description("sign with a new key; tokens of the one before are good until they expire")
    .option("--drop-old", "the old keys may be in wrong hands: end their tokens now; clients refresh")
    .option("--json", "for programs")
    .action((options) => finish(rotate(options)));
}

async function list({ json }: { json?: boolean }): Promise<number> {
  return print((await callOperators("GET", "/keys")).body as Keys, json);
}

async function rotate({ dropOld, json }: { dropOld?: boolean; json?: boolean }): Promise<number> {
  const { body } = await callOperators("POST", "/keys/rotate", { body: { dropOld: dropOld === true } });
  return print(body as Keys, json);
}

function print(body: Keys, json = false): number {
  if (json) console.log(JSON.stringify(body, null, 2));
  else {
    const rows = body.keys.map(({ kid, state, signsFrom, verifiesUntil }) => {
      return [kid, state, signsFrom, verifiesUntil ?? "-"];
    });
    console.log(formatTable(["kid", "state", "signs from", "verifies until"], rows));
  }
  return 0;
}
