/**
 * Processes of the system, without blocking the worker. Only in OpenResty: requiring the module throws in an nginx
 * that lacks its patches, as Debian's does.
 *
 * @noResolution
 * @noSelf
 */
declare module "ngx.pipe" {
  type Done = LuaMultiReturn<[true, undefined] | [undefined, string]>;
  /** On an error, what came before it is the third value. */
  type Received = LuaMultiReturn<
    [data: string, err: undefined, partial: undefined] | [undefined, string, string | undefined]
  >;

  interface SpawnOptions {
    /** stderr goes into stdout. */
    merge_stderr?: boolean;
    /** Bytes of the read buffer. */
    buffer_size?: number;
    /** `NAME=value`; nothing else is passed on but PATH. */
    environ?: readonly string[];
    write_timeout?: number;
    stdout_read_timeout?: number;
    stderr_read_timeout?: number;
    wait_timeout?: number;
  }

  /** It is killed when nothing refers to it any more. Reading and waiting: @phases yield */
  export interface Process {
    /** In milliseconds. */
    set_timeouts(writeMs?: number, stdoutMs?: number, stderrMs?: number, waitMs?: number): void;
    pid(): number;
    /** `true, "exit", 0`; else `false` with "exit" or "signal" and its number; `nil, error` on a timeout. */
    wait(): LuaMultiReturn<[boolean, "exit" | "signal", number] | [undefined, string, undefined]>;
    kill(signal: number): Done;
    shutdown(direction: "stdin" | "stdout" | "stderr"): Done;
    write(
      data: string | number | readonly string[],
    ): LuaMultiReturn<[number, undefined] | [undefined, string]>;
    stdout_read_all(): Received;
    stdout_read_line(): Received;
    stdout_read_bytes(length: number): Received;
    stdout_read_any(lengthMax: number): LuaMultiReturn<[string, undefined] | [undefined, string]>;
    stderr_read_all(): Received;
    stderr_read_line(): Received;
    stderr_read_bytes(length: number): Received;
    stderr_read_any(lengthMax: number): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  }

  /** A string goes to the shell; a list doesn't. @phases any -init */
  export function spawn(
    command: string | readonly [program: string, ...args: string[]],
    options?: SpawnOptions,
  ): LuaMultiReturn<[Process, undefined] | [undefined, string]>;
}
