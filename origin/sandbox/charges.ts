import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

export interface Charge {
  readonly id: string;
  readonly amountCents: number;
  readonly currency: string;
  readonly method: string;
  readonly callbackUrl: string;
  readonly status: "pending" | "succeeded" | "declined" | "refunded";
}

/**
 * Charges by the merchant's id: asking twice gives the same charge. With a file, each state is appended to it
 * as a line before it is answered, so a provider that was killed remembers what it took.
 */
export function chargeBook(stateFile: string) {
  const charges = new Map<string, Charge>(readState(stateFile).map((charge) => [charge.id, charge]));

  const keep = (charge: Charge): Charge => {
    if (stateFile !== "") appendFileSync(stateFile, `${JSON.stringify(charge)}\n`);
    charges.set(charge.id, charge);
    return charge;
  };

  const become = (id: string, status: Charge["status"]): Charge => {
    const charge = charges.get(id);
    if (charge === undefined) throw new Error(`no charge ${id}`);
    return charge.status === status ? charge : keep({ ...charge, status });
  };

  return {
    charge: (asked: Omit<Charge, "status">): { charge: Charge; isNew: boolean } => {
      const known = charges.get(asked.id);
      if (known !== undefined) return { charge: known, isNew: false };
      const { id, amountCents, currency, method, callbackUrl } = asked;
      const charge = { id, amountCents, currency, method, callbackUrl, status: firstStatus(method) };
      return { charge: keep(charge), isNew: true };
    },
    /** Those that nobody has decided, such as were pending when the process was killed. */
    pending: (): Charge[] => [...charges.values()].filter(({ status }) => status === "pending"),
    find: (id: string): Charge | undefined => charges.get(id),
    succeed: (id: string): Charge => become(id, "succeeded"),
    refund: (id: string): Charge => become(id, "refunded"),
    view,
  };
}

/** A charge as the merchant sees it, in answers and callbacks. */
export function view({ id, status, amountCents, currency }: Charge) {
  return { id, status, amountCents, currency, reference: `sandbox-${id}` };
}

function firstStatus(method: string): Charge["status"] {
  if (method === "sandbox:late" || method === "sandbox:quiet") return "pending";
  const takesMoney = ["sandbox", "sandbox:duplicate", "sandbox:silent", "sandbox:lost"].includes(method);
  return takesMoney ? "succeeded" : "declined";
}

/**
 * The last line of each charge counts. A line that a crash cut off was never answered: it is ended here, so
 * that the next one does not become a part of it, and passed over.
 */
function readState(stateFile: string): Charge[] {
  if (stateFile === "") return [];
  mkdirSync(dirname(stateFile), { recursive: true });
  if (!existsSync(stateFile)) return [];
  const text = readFileSync(stateFile, "utf8");
  if (text !== "" && !text.endsWith("\n")) appendFileSync(stateFile, "\n");
  return text
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line) as Charge);
}
