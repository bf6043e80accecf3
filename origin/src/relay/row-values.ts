import type { TableMapEntry } from "@vlasky/zongji";
import type { ColumnValue } from "../platform/redis/projected-table.ts";

/** Column type codes of the protocol (enum_field_types); TIME2 is what every TIME is in the binlog. */
const types = { FLOAT: 4, LONGLONG: 8, YEAR: 13, TIME2: 19, ENUM: 247 } as const;

type Convert = (value: never) => ColumnValue;

/**
 * zongji decodes most columns as a SELECT by `exactConnection` gives them. These are the ones that it does
 * not; a test holds a row of every type against the same row by SELECT.
 */
const conversions: Readonly<Record<number, Convert>> = {
  // A number below 2^53 and text above: always text, so that ids and versions have one form.
  [types.LONGLONG]: (value: number | string) => String(value),
  // The binlog has the float's bits; the server shows six significant digits.
  [types.FLOAT]: (value: number) => Number(value.toPrecision(6)),
  // The year 0000 is stored as 0, which would be 1900.
  [types.YEAR]: (value: number) => (value === 1900 ? 0 : value),
  // The server shows index 0, a value that was refused in non-strict mode, as an empty string.
  [types.ENUM]: (value: string | undefined) => value ?? "",
  [types.TIME2]: (value: string) => carryTime(value),
};

export interface ColumnConversion {
  readonly name: string;
  readonly convert: Convert;
}

/** The columns of a table that need converting; made anew when the table's shape was announced anew. */
export function conversionsOf(table: TableMapEntry): readonly ColumnConversion[] {
  const found: ColumnConversion[] = [];
  for (const column of table.columns ?? []) {
    const convert = conversions[column.type];
    if (convert !== undefined) found.push({ name: column.name, convert });
  }
  return found;
}

export function convertRow(row: Record<string, unknown>, columns: readonly ColumnConversion[]): void {
  for (const { name, convert } of columns) {
    if (row[name] !== null) row[name] = convert(row[name] as never);
  }
}

/** zongji 0.9 adds 1 to the seconds of a negative TIME without carrying: -00:01:00 comes as -00:00:64. */
function carryTime(text: string): string {
  const match = /^-(\d+):(\d+):64(.*)$/.exec(text);
  if (match === null) return text;
  const [, hours, minutes, rest] = match;
  const carriedMinutes = Number(minutes) + 1;
  const hour = carriedMinutes === 64 ? Number(hours) + 1 : Number(hours);
  const minute = carriedMinutes === 64 ? 0 : carriedMinutes;
  return `-${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}:00${rest}`;
}
