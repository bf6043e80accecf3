import type ZongJi from "@vlasky/zongji";
import type { TableMapEntry } from "@vlasky/zongji";
import type { TableRow } from "../platform/redis/projected-table.ts";
import { type RowDecoder, rowDecoder } from "./row-decoder.ts";

/**
 * Takes the row events out of zongji's stream before zongji decodes them, where `row-decoder.ts` can. Everything
 * else (tables, transactions, files, heartbeats, rows that it can't decode) goes on to zongji. What this knows of
 * zongji: `BinlogClass` is made anew for each stream, and is there at `ready`; its `binlogData` gets each packet.
 */
export type OnRows = (
  table: TableMapEntry,
  inserted: boolean,
  rows: readonly TableRow[],
  bytes: number,
) => void;

interface Packet {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
  isEOF(): boolean;
  isError(): boolean;
}

type BinlogData = (packet: Packet, connection: unknown) => unknown;

interface Internals {
  readonly BinlogClass: { readonly prototype: { binlogData: BinlogData } };
  readonly tableMap: Record<number, TableMapEntry | undefined>;
  readonly useChecksum: boolean;
  readonly stopped: boolean;
  _positionFrozen: boolean;
}

/** Event types: version 1 and 2 of the row events. */
const TABLE_MAP = 19;
const [WRITE_1, UPDATE_1, DELETE_1, WRITE_2, UPDATE_2, DELETE_2] = [23, 24, 25, 30, 31, 32];
/** A byte of the protocol, then the event's header: time 4, type 1, server 4, length 4, position 4, flags 2. */
const MARKER_BYTES = 1;
const HEADER_BYTES = 19;
const CHECKSUM_BYTES = 4;
const tablesMax = 1_000;

export function tapRows(
  zongji: ZongJi,
  columns: ReadonlyMap<string, readonly string[]>,
  onRows: OnRows,
): void {
  const internals = zongji as unknown as Internals;
  const decoders = new WeakMap<TableMapEntry, RowDecoder | "zongji">();
  const tableMaps = new Map<number, Buffer>();

  const decoderFor = (table: TableMapEntry): RowDecoder | undefined => {
    let found = decoders.get(table);
    if (found === undefined) {
      found = rowDecoder(table, columns.get(table.tableName) ?? []) ?? "zongji";
      decoders.set(table, found);
    }
    return found === "zongji" ? undefined : found;
  };

  /** Each statement repeats the description of its tables. zongji keeps the last one of each. */
  const isKnownTable = (body: Buffer): boolean => {
    const tableId = body.readUIntLE(0, 6);
    const known = tableMaps.get(tableId);
    if (known?.equals(body)) return true;
    // Each change of a table gives it a new id.
    if (tableMaps.size >= tablesMax) tableMaps.clear();
    tableMaps.set(tableId, Buffer.from(body));
    return false;
  };

  /** True when the packet is dealt with. */
  const take = ({ buffer, offset, end }: Packet): boolean => {
    const header = offset + MARKER_BYTES;
    const type = buffer[header + 4] as number;
    const bodyEnd = internals.useChecksum ? end - CHECKSUM_BYTES : end;
    const body = header + HEADER_BYTES;
    if (type === TABLE_MAP) {
      if (!isKnownTable(buffer.subarray(body, bodyEnd))) return false;
      internals._positionFrozen = true;
      return true;
    }
    if (type === DELETE_1 || type === DELETE_2) return true;
    if (type !== WRITE_1 && type !== UPDATE_1 && type !== WRITE_2 && type !== UPDATE_2) return false;
    const table = internals.tableMap[buffer.readUIntLE(body, 6)];
    if (table === undefined) return true;
    const decoder = decoderFor(table);
    if (decoder === undefined) return false;
    const inserted = type === WRITE_1 || type === WRITE_2;
    const extra = type === WRITE_2 || type === UPDATE_2 ? buffer.readUInt16LE(body + 8) : 0;
    const rows = decodeRows(decoder, buffer.subarray(0, bodyEnd), body + 8 + extra, inserted);
    if (rows === undefined) return false;
    onRows(table, inserted, rows, bodyEnd - body);
    return true;
  };

  zongji.on("ready", () => {
    tableMaps.clear();
    const { prototype } = internals.BinlogClass;
    const { binlogData } = prototype;
    prototype.binlogData = function (packet, connection) {
      const isEvent = !internals.stopped && !packet.isEOF() && !packet.isError();
      if (isEvent && take(packet)) return prototype.binlogData;
      return binlogData.call(this, packet, connection);
    };
  });
}

/** Undefined when an image lacks columns, or when the table has another number of them than was described. */
function decodeRows(
  decoder: RowDecoder,
  buffer: Buffer,
  start: number,
  inserted: boolean,
): TableRow[] | undefined {
  // A length-coded number; tables of 251 columns and more are zongji's.
  if (buffer[start] !== decoder.columns || decoder.columns > 250) return undefined;
  const bitmapBytes = (decoder.columns + 7) >> 3;
  const images = inserted ? 1 : 2;
  let offset = start + 1;
  for (let image = 0; image < images; image++, offset += bitmapBytes) {
    for (let column = 0; column < decoder.columns; column++) {
      if ((((buffer[offset + (column >> 3)] as number) >> (column & 7)) & 1) === 0) return undefined;
    }
  }
  const rows: TableRow[] = [];
  while (offset < buffer.length) {
    if (!inserted) offset = decoder.skip(buffer, offset);
    offset = decoder.read(buffer, offset);
    rows.push(decoder.row);
  }
  return rows;
}
