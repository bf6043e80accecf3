import type { ColumnValue, TableRow } from "../platform/redis/projected-table.ts";

export interface OutboxRow {
  readonly id: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly messageId: string;
  readonly payload: string;
}

/** What a message needs, and whether it was published already. */
export const outboxColumns = [
  "id",
  "exchange",
  "routing_key",
  "message_id",
  "payload",
  "published_at",
] as const;

export function outboxRow(row: TableRow): OutboxRow {
  return {
    id: String(row.id),
    exchange: text(row.exchange),
    routingKey: text(row.routing_key),
    messageId: text(row.message_id),
    payload: text(row.payload),
  };
}

/**
 * The rows that the publisher has in hand, each once: waiting, sent, or acknowledged and not yet marked. A
 * row comes from the log and from the poll in any order, so what was marked lately is remembered as well.
 */
export class OutboxRows {
  readonly #rowsMax: number;
  readonly #markedLatelyMax: number;
  readonly #inHand = new Set<string>();
  readonly #acknowledged = new Set<string>();
  readonly #markedLately = new Set<string>();
  #waiting: OutboxRow[] = [];
  #nextWaiting = 0;

  constructor(limits: { readonly rowsMax: number; readonly markedLatelyMax: number }) {
    this.#rowsMax = limits.rowsMax;
    this.#markedLatelyMax = limits.markedLatelyMax;
  }

  /** False when there is no room. A row that is known already is taken as added. */
  add(row: OutboxRow): boolean {
    if (this.#inHand.has(row.id) || this.#markedLately.has(row.id)) return true;
    if (this.#inHand.size >= this.#rowsMax) return false;
    this.#inHand.add(row.id);
    this.#waiting.push(row);
    return true;
  }

  get size(): number {
    return this.#inHand.size;
  }

  next(): OutboxRow | undefined {
    const row = this.#waiting[this.#nextWaiting];
    if (row === undefined) return undefined;
    this.#nextWaiting++;
    // Cut in large pieces: a shift for each row is quadratic in a long queue.
    if (this.#nextWaiting === this.#waiting.length || this.#nextWaiting >= this.#rowsMax) {
      this.#waiting = this.#waiting.slice(this.#nextWaiting);
      this.#nextWaiting = 0;
    }
    return row;
  }

  /** Not published: the poll will bring it again. */
  forget(id: string): void {
    this.#inHand.delete(id);
  }

  acknowledge(id: string): void {
    this.#acknowledged.add(id);
  }

  /** Published, and the table does not say so yet. */
  unmarked(max: number): string[] {
    return [...this.#acknowledged].slice(0, max);
  }

  marked(ids: readonly string[]): void {
    for (const id of ids) {
      this.#acknowledged.delete(id);
      this.#inHand.delete(id);
      this.#markedLately.add(id);
    }
    for (const oldest of this.#markedLately) {
      if (this.#markedLately.size <= this.#markedLatelyMax) return;
      this.#markedLately.delete(oldest);
    }
  }
}

function text(value: ColumnValue | undefined): string {
  return Buffer.isBuffer(value) ? value.toString("utf8") : String(value);
}
