import type { Connection, RowDataPacket } from "mysql2/promise";
import { StartFaults } from "../kernel/errors.ts";
import { connectExact } from "./connection.ts";

/**
 * What the server must write into its binlog for the relay to be right: whole rows, with the names of their
 * columns, findable by GTID. With anything less it would project half a row, so it does not start.
 */
interface Setting {
  readonly name: string;
  readonly wanted: string;
  readonly mend: string;
}

const everywhere: readonly Setting[] = [
  setting("log_bin", "1", "start the server with --log-bin (it can't be set while it runs)"),
  setting("binlog_format", "ROW"),
  setting("binlog_row_image", "FULL"),
  setting("binlog_row_metadata", "FULL"),
];

/** MariaDB numbers every transaction and has no compressed or partial row events that can't be read. */
const mysqlOnly: readonly Setting[] = [
  setting("enforce_gtid_consistency", "ON"),
  setting(
    "gtid_mode",
    "ON",
    "SET GLOBAL gtid_mode = OFF_PERMISSIVE; SET GLOBAL gtid_mode = ON_PERMISSIVE; SET GLOBAL gtid_mode = ON",
  ),
  setting("binlog_transaction_compression", "0", "SET GLOBAL binlog_transaction_compression = OFF"),
  setting("binlog_row_value_options", "", "SET GLOBAL binlog_row_value_options = ''"),
];

/** Every wrong setting at once, each with what mends it. */
export class LogSettingsFaults extends StartFaults {
  constructor(faults: readonly string[]) {
    super("the database's binlog settings", faults);
  }
}

/** Throws LogSettingsFaults, or the driver's error when the server can't be asked. */
export async function checkLogSettings(url: string): Promise<void> {
  const connection = await connectExact(url);
  try {
    const settings = (await isMariadb(connection)) ? everywhere : [...everywhere, ...mysqlOnly];
    const faults: string[] = [];
    for (const { name, wanted, mend } of settings) {
      const value = await globalValue(connection, name);
      if (value !== wanted) faults.push(`${name} is "${value ?? "unknown"}": ${mend}`);
    }
    if (faults.length > 0) throw new LogSettingsFaults(faults);
  } finally {
    connection.destroy();
  }
}

export async function isMariadb(connection: Connection): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>("SELECT VERSION() AS version");
  return /mariadb/i.test(String(rows[0]?.version));
}

/** Undefined for a variable that this server does not know. */
async function globalValue(connection: Connection, name: string): Promise<string | undefined> {
  try {
    const [rows] = await connection.query<RowDataPacket[]>(`SELECT @@GLOBAL.${name} AS value`);
    return String(rows[0]?.value);
  } catch (error) {
    if ((error as { code?: string }).code === "ER_UNKNOWN_SYSTEM_VARIABLE") return undefined;
    throw error;
  }
}

function setting(name: string, wanted: string, mend = `SET GLOBAL ${name} = '${wanted}'`): Setting {
  return { name, wanted, mend };
}
