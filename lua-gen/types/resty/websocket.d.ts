// WebSocket, server and client (lua-resty-websocket; Debian's lua-nginx-websocket is its 0.08). Import them as
// "resty.websocket.server" and "resty.websocket.client" everywhere: the Lua path that lua-gen prints for Debian leads
// those names to `nginx.websocket.*`.

/** @noResolution */
declare module "resty.websocket.protocol" {
  export type FrameType = "continuation" | "text" | "binary" | "close" | "ping" | "pong";
  type Sent = LuaMultiReturn<[bytes: number, err: undefined] | [undefined, string]>;
  /**
   * The payload and its type; third is "again" for a frame that is not the last of its message, and the status of
   * a close frame. On a failure `nil, nil, error`; an error with ": timeout" in it leaves the connection usable.
   */
  type Received = LuaMultiReturn<
    [data: string, type: FrameType, more: "again" | number | undefined] | [undefined, undefined, string]
  >;

  /** What both ends do. @phases yield */
  export interface Connection {
    /** In milliseconds, for each operation. */
    set_timeout(ms: number): void;
    recv_frame(): Received;
    send_text(text: string): Sent;
    send_binary(data: string): Sent;
    send_ping(payload?: string): Sent;
    send_pong(payload?: string): Sent;
    /** With a status (1000 is a normal end) and a reason. The connection stays open until the peer has answered. */
    send_close(status?: number, reason?: string): Sent;
    send_frame(isLast: boolean, opcode: number, payload?: string): Sent;
  }

  /** @phases yield */
  export function recv_frame(
    this: void,
    socket: ngx.socket.Tcp,
    payloadBytesMax: number,
    forceMasking: boolean,
  ): Received;
  /** @phases any */
  export function build_frame(
    this: void,
    isLast: boolean,
    opcode: number,
    payloadBytes: number,
    payload: string,
    masked: boolean,
  ): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** @phases yield */
  export function send_frame(
    this: void,
    socket: ngx.socket.Tcp,
    isLast: boolean,
    opcode: number,
    payload: string,
    payloadBytesMax: number,
    masked: boolean,
  ): Sent;
}

/** @noResolution */
declare module "resty.websocket.server" {
  import type { Connection } from "resty.websocket.protocol";

  interface Options {
    /** Bytes; 65,535 unless given. A larger frame is an error. */
    max_payload_len?: number;
    /** Against the protocol; for tests. */
    send_masked?: boolean;
    /** In milliseconds, for each operation. */
    timeout?: number;
  }

  /** Belongs to the request that was upgraded. @phases handler */
  export interface Server extends Connection {}

  /** Answers the handshake of the current request; `nil, error` when it isn't one. @phases handler */
  function create(this: object, options?: Options): LuaMultiReturn<[Server, undefined] | [undefined, string]>;

  export { create as new };
}

/** @noResolution */
declare module "resty.websocket.client" {
  import type { Connection } from "resty.websocket.protocol";

  interface Options {
    max_payload_len?: number;
    /** Against the protocol; for tests. */
    send_unmasked?: boolean;
    timeout?: number;
  }

  interface ConnectOptions {
    protocols?: string | readonly string[];
    origin?: string;
    /** Connections with the same name share a keepalive pool. */
    pool?: string;
    ssl_verify?: boolean;
    /** Whole lines: "Cookie: a=1". */
    headers?: readonly string[];
  }

  /** @phases yield */
  export interface Client extends Connection {
    /** `ws://host:port/path`; without a port it is 80, for `wss://` as well. */
    connect(
      uri: `ws://${string}` | `wss://${string}`,
      options?: ConnectOptions,
    ): LuaMultiReturn<[1, undefined] | [undefined, string]>;
    /** Sends a close frame first unless one was sent. */
    close(): LuaMultiReturn<[1, undefined] | [undefined, string]>;
    set_keepalive(idleMs?: number, poolSize?: number): LuaMultiReturn<[1, undefined] | [undefined, string]>;
  }

  /** @phases yield */
  function create(this: object, options?: Options): LuaMultiReturn<[Client, undefined] | [undefined, string]>;

  export { create as new };
}
