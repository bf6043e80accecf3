import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

export interface Charge {
  readonly id: string;
  readonly amountCents: number;
  readonly currency: string;
  readonly method: string;
  readonly callbackUrl: string;
  readonly status: "pending" | "succeeded" | "declined";
}

export interface Refund {
  readonly refundId: string;
  readonly paymentId: string;
  readonly amountCents: number;
  readonly status: "pending" | "succeeded" | "failed";
}

/**
 * Charges by the merchant's id, and refunds by the merchant's: asking twice gives the same one. With a file, each state
 * is appended to it as a line before it is answered, so a provider that was killed remembers what it took.
 */
export function chargeBook(stateFile: string) {
  const charges = new Map<string, Charge>();
  const refunds = new Map<string, Refund>();
  for (const line of readState(stateFile)) {
    if ("refundId" in line) refunds.set(line.refundId, line);
    else charges.set(line.id, line);
  }

  const write = (line: Charge | Refund) => {
    if (stateFile !== "") appendFileSync(stateFile, `${JSON.stringify(line)}\n`);
  };
  const keep = (charge: Charge): Charge => {
    write(charge);
    charges.set(charge.id, charge);
    return charge;
  };
  const keepRefund = (refund: Refund): Refund => {
    write(refund);
    refunds.set(refund.refundId, refund);
    return refund;
  };
  const become = (id: string, status: Charge["status"]): Charge => {
    const charge = charges.get(id);
    if (charge === undefined) throw new Error(`no charge ${id}`);
    return charge.status === status ? charge : keep({ ...charge, status });
  };
  const refundsOf = (paymentId: string) => [...refunds.values()].filter((one) => one.paymentId === paymentId);

  return {
    charge: (asked: Omit<Charge, "status">): { charge: Charge; isNew: boolean } => {
      const known = charges.get(asked.id);
      if (known !== undefined) return { charge: known, isNew: false };
      const { id, amountCents, currency, method, callbackUrl } = asked;
      const takenCents = method.startsWith("sandbox:other-amount") ? amountCents - 1 : amountCents;
      const charge = {
        id,
        amountCents: takenCents,
        currency,
        method,
        callbackUrl,
        status: firstStatus(method),
      };
      return { charge: keep(charge), isNew: true };
    },
    /** Those that nobody has decided, such as were pending when the process was killed. */
    pending: (): Charge[] => [...charges.values()].filter(({ status }) => status === "pending"),
    find: (id: string): Charge | undefined => charges.get(id),
    become,
    /** Decides a charge that is pending; what became of it meanwhile stays. */
    succeed: (id: string): Charge => {
      const charge = charges.get(id);
      return charge?.status === "pending"
        ? become(id, "succeeded")
        : become(id, charge?.status ?? "declined");
    },
    /** A charge that has not come yet is declined when it does. */
    cancel: (asked: Omit<Charge, "status">): Charge => {
      const known = charges.get(asked.id);
      if (known === undefined) return keep({ ...asked, status: "declined" });
      return known.status === "pending" ? become(asked.id, "declined") : known;
    },
    /** Undefined when less is left than should go back, or when the id came before with another amount. */
    refund: (charge: Charge, refundId: string, amountCents: number) => {
      const known = refunds.get(refundId);
      if (known !== undefined) {
        return known.amountCents === amountCents ? { refund: known, isNew: false } : undefined;
      }
      const before = refundsOf(charge.id);
      const gone = before.filter(({ status }) => status !== "failed");
      const goneCents = gone.reduce((sum, one) => sum + one.amountCents, 0);
      if (goneCents + amountCents > charge.amountCents) return undefined;
      const status = refundStatus(charge.method);
      return {
        refund: keepRefund({ refundId, paymentId: charge.id, amountCents, status }),
        isNew: true,
        isFirst: before.length === 0,
      };
    },
    findRefund: (refundId: string): Refund | undefined => refunds.get(refundId),
    pendingRefunds: (): Refund[] => [...refunds.values()].filter(({ status }) => status === "pending"),
    decideRefund: (refund: Refund, status: Refund["status"]): Refund => keepRefund({ ...refund, status }),
  };
}

/** A charge as the merchant sees it, in answers and callbacks. */
export function view({ id, status, amountCents, currency }: Charge) {
  return { id, status, amountCents, currency, reference: `sandbox-${id}` };
}

export function refundView({ refundId, paymentId, status, amountCents }: Refund, { currency }: Charge) {
  return { refundId, paymentId, status, amountCents, currency, reference: `sandbox-refund-${refundId}` };
}

const takesMoney = [
  "sandbox",
  "sandbox:duplicate",
  "sandbox:silent",
  "sandbox:lost",
  "sandbox:other-amount",
  "sandbox:refund-late",
  "sandbox:refund-fails",
  "sandbox:refund-fails-once",
  "sandbox:refund-silent",
];

const decidesLater = ["sandbox:late", "sandbox:quiet", "sandbox:reorder", "sandbox:other-amount-late"];

function firstStatus(method: string): Charge["status"] {
  if (decidesLater.includes(method)) return "pending";
  return takesMoney.includes(method) ? "succeeded" : "declined";
}

function refundStatus(method: string): Refund["status"] {
  const isLate = ["sandbox:refund-late", "sandbox:refund-fails", "sandbox:refund-fails-once"].includes(
    method,
  );
  return isLate ? "pending" : "succeeded";
}

/**
 * The last line of each charge and refund counts. A line that a crash cut off was never answered: it is ended here, so
 * that the next one does not become a part of it, and passed over.
 */
function readState(stateFile: string): (Charge | Refund)[] {
  if (stateFile === "") return [];
  mkdirSync(dirname(stateFile), { recursive: true });
  if (!existsSync(stateFile)) return [];
  const text = readFileSync(stateFile, "utf8");
  if (text !== "" && !text.endsWith("\n")) appendFileSync(stateFile, "\n");
  return text
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line) as Charge | Refund);
}
