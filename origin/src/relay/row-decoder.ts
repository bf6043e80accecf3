import type { TableMapEntry } from "@vlasky/zongji";
import type { ColumnValue, TableRow } from "../platform/redis/projected-table.ts";

/**
 * Reads the columns that somebody looks at out of a row's image, and steps over the others. zongji decodes every
 * column of every image, also of the one before an update, which nobody looks at: on tables of a shop that is most
 * of a row.
 *
 * It knows the types that projections are made of. Where it is asked for another one, or finds one whose size it
 * doesn't know, there is no decoder, and zongji reads that table. Both must give the same values: a test holds each
 * type against a SELECT, by either way.
 */
export interface RowDecoder {
  /** Columns of the table, all of which an image must have. */
  readonly columns: number;
  /** The offset behind the image at `start`, which begins with the bitmap of its NULLs. */
  skip(buffer: Buffer, start: number): number;
  /** As `skip`, and leaves the row in `row`. */
  read(buffer: Buffer, start: number): number;
  row: TableRow;
}

/** Column type codes of the protocol (enum_field_types). */
const types = {
  TINY: 1,
  SHORT: 2,
  LONG: 3,
  FLOAT: 4,
  DOUBLE: 5,
  LONGLONG: 8,
  INT24: 9,
  DATE: 10,
  YEAR: 13,
  VARCHAR: 15,
  BIT: 16,
  TIMESTAMP2: 17,
  DATETIME2: 18,
  TIME2: 19,
  JSON: 245,
  NEWDECIMAL: 246,
  ENUM: 247,
  SET: 248,
  BLOB: 252,
  STRING: 254,
} as const;

/** A value's bytes: a fixed number, or as many as a length of `prefix` bytes before it says. */
type Size = { readonly fixed: number } | { readonly prefix: number };
type Read = (buffer: Buffer, offset: number, length: number) => ColumnValue;

interface Column {
  readonly name: string;
  readonly size: Size;
  readonly read: Read | undefined;
}

/** Undefined where zongji has to read the table, and where nothing or too much is wanted of it. */
export function rowDecoder(table: TableMapEntry, wanted: readonly string[]): RowDecoder | undefined {
  if (wanted.length === 0) return undefined;
  const columns: Column[] = [];
  for (const [index, { name, type, charset, metadata }] of (table.columns ?? []).entries()) {
    const schema = table.columnSchemas[index] ?? {};
    const described = { type, charset: charset ?? null, metadata: metadata ?? {}, schema } as Described;
    const size = sizeOf(described);
    const isWanted = wanted.includes(name);
    const read = isWanted ? readerOf(described) : undefined;
    if (size === undefined || (isWanted && read === undefined)) return undefined;
    columns.push({ name, size, read });
  }
  if (columns.length === 0 || wanted.some((name) => !columns.some((one) => one.name === name)))
    return undefined;
  return decoderOf(columns);
}

function decoderOf(columns: readonly Column[]): RowDecoder {
  const bitmapBytes = (columns.length + 7) >> 3;
  const fixed = Int32Array.from(columns, ({ size }) => ("fixed" in size ? size.fixed : -1));
  const prefixes = Int32Array.from(columns, ({ size }) => ("prefix" in size ? size.prefix : 0));
  const reads = columns.map(({ read }) => read);
  const names = columns.map(({ name }) => name);

  const walk = (buffer: Buffer, start: number, row: Record<string, ColumnValue> | undefined): number => {
    let offset = start + bitmapBytes;
    for (let i = 0; i < fixed.length; i++) {
      const read = row === undefined ? undefined : reads[i];
      if (((buffer[start + (i >> 3)] as number) >> (i & 7)) & 1) {
        if (read !== undefined && row !== undefined) row[names[i] as string] = null;
        continue;
      }
      let length = fixed[i] as number;
      if (length < 0) {
        const prefix = prefixes[i] as number;
        length = buffer.readUIntLE(offset, prefix);
        offset += prefix;
      }
      if (read !== undefined && row !== undefined) row[names[i] as string] = read(buffer, offset, length);
      offset += length;
    }
    return offset;
  };

  const decoder = {
    columns: columns.length,
    row: {} as TableRow,
    skip: (buffer: Buffer, start: number) => walk(buffer, start, undefined),
    read: (buffer: Buffer, start: number) => {
      const row: Record<string, ColumnValue> = {};
      decoder.row = row;
      return walk(buffer, start, row);
    },
  };
  return decoder;
}

interface Described {
  readonly type: number;
  readonly charset: string | null;
  readonly metadata: Readonly<Record<string, number>>;
  readonly schema: {
    readonly UNSIGNED?: boolean;
    readonly ENUM_VALUES?: readonly string[];
    COLUMN_TYPE?: string;
  };
}

const integerBytes: Readonly<Record<number, number>> = {
  [types.TINY]: 1,
  [types.SHORT]: 2,
  [types.INT24]: 3,
  [types.LONG]: 4,
  [types.LONGLONG]: 8,
};

function sizeOf({ type, metadata }: Described): Size | undefined {
  const integer = integerBytes[type];
  if (integer !== undefined) return { fixed: integer };
  const fraction = ((metadata.decimals ?? 0) + 1) >> 1;
  switch (type) {
    case types.FLOAT:
      return { fixed: 4 };
    case types.DOUBLE:
      return { fixed: 8 };
    case types.YEAR:
      return { fixed: 1 };
    case types.DATE:
      return { fixed: 3 };
    case types.TIME2:
      return { fixed: 3 + fraction };
    case types.TIMESTAMP2:
      return { fixed: 4 + fraction };
    case types.DATETIME2:
      return { fixed: 5 + fraction };
    case types.NEWDECIMAL:
      return { fixed: decimalBytes(metadata.precision ?? 0, metadata.decimals ?? 0) };
    case types.BIT:
      return { fixed: ((metadata.bits ?? 0) + 7) >> 3 };
    case types.ENUM:
    case types.SET:
      return { fixed: metadata.size ?? 0 };
    case types.VARCHAR:
    case types.STRING:
      return { prefix: (metadata.max_length ?? 0) > 255 ? 2 : 1 };
    case types.BLOB:
    case types.JSON:
      return { prefix: metadata.length_size ?? 0 };
    default:
      return undefined;
  }
}

/** Nine digits in four bytes; what is left over of either side in as few as hold it. */
function decimalBytes(precision: number, decimals: number): number {
  const leftover = [0, 1, 1, 2, 2, 3, 3, 4, 4];
  const bytes = (digits: number) => Math.floor(digits / 9) * 4 + (leftover[digits % 9] as number);
  return bytes(precision - decimals) + bytes(decimals);
}

function readerOf({ type, charset, metadata, schema }: Described): Read | undefined {
  const unsigned = schema.UNSIGNED === true;
  switch (type) {
    case types.TINY:
    case types.SHORT:
    case types.INT24:
    case types.LONG:
      return unsigned
        ? (buffer, offset, length) => buffer.readUIntLE(offset, length)
        : (buffer, offset, length) => buffer.readIntLE(offset, length);
    case types.LONGLONG:
      return unsigned ? readUnsigned64 : readSigned64;
    case types.DATETIME2:
      return datetimeReader(metadata.decimals ?? 0);
    case types.ENUM: {
      const values = schema.ENUM_VALUES;
      if (values === undefined) return undefined;
      // The server shows index 0, a value that was refused in non-strict mode, as an empty string.
      return (buffer, offset, length) => values[buffer.readUIntLE(offset, length) - 1] ?? "";
    }
    case types.VARCHAR:
    case types.STRING:
    case types.BLOB:
      return textReader(charset, schema.COLUMN_TYPE ?? "");
    default:
      return undefined;
  }
}

/** MariaDB's logical types (`uuid`, `inet6`) come as strings of bytes; zongji knows them. */
function textReader(charset: string | null, columnType: string): Read | undefined {
  if (/^(?:uuid|inet|vector|binary|varbin)/.test(columnType)) return undefined;
  if (charset === "ascii")
    return (buffer, offset, length) => buffer.toString("latin1", offset, offset + length);
  if (charset !== "utf8mb4" && charset !== "utf8mb3" && charset !== "utf8") return undefined;
  return (buffer, offset, length) => buffer.toString("utf8", offset, offset + length);
}

const twoTo32 = 2 ** 32;
const safeHigh = 2 ** 21;

/** Always text, so that ids and versions have one form. */
function readUnsigned64(buffer: Buffer, offset: number): string {
  const high = buffer.readUInt32LE(offset + 4);
  if (high < safeHigh) return String(high * twoTo32 + buffer.readUInt32LE(offset));
  return String(buffer.readBigUInt64LE(offset));
}

function readSigned64(buffer: Buffer, offset: number): string {
  const high = buffer.readUInt32LE(offset + 4);
  if (high < safeHigh) return String(high * twoTo32 + buffer.readUInt32LE(offset));
  return String(buffer.readBigInt64LE(offset));
}

/**
 * Big-endian: a sign bit, 17 bits of year * 13 + month, then 5, 5, 6, 6 bits of day, hour, minute, second; behind
 * them the fraction, in hundredths for each byte.
 */
function datetimeReader(decimals: number): Read {
  const fractionBytes = (decimals + 1) >> 1;
  return (buffer, offset) => {
    const high = buffer.readUIntBE(offset, 3);
    const low = buffer.readUInt16BE(offset + 3);
    const yearMonth = (high & 0x7fffff) >> 6;
    const day = ((high & 0x3f) << 16) | low;
    const year = Math.floor(yearMonth / 13);
    const date = `${pad(year, 4)}-${pad(yearMonth % 13, 2)}-${pad(day >> 17, 2)}`;
    const time = `${pad((day >> 12) & 31, 2)}:${pad((day >> 6) & 63, 2)}:${pad(day & 63, 2)}`;
    if (decimals === 0) return `${date} ${time}`;
    const fraction = buffer.readUIntBE(offset + 5, fractionBytes);
    return `${date} ${time}.${pad(fraction, 2 * fractionBytes).slice(0, decimals)}`;
  };
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
