/** @noSelf */
declare namespace ngx.socket {
  /** @phases yield */
  function tcp(): LuaMultiReturn<[Tcp, undefined] | [undefined, string]>;
  /** {@link tcp} and `connect` in one. @phases yield */
  function connect(host: string, port: number): LuaMultiReturn<[Tcp, undefined] | [undefined, string]>;
  function connect(unixPath: `unix:${string}`): LuaMultiReturn<[Tcp, undefined] | [undefined, string]>;
  /** @phases yield */
  function udp(): LuaMultiReturn<[Udp, undefined] | [undefined, string]>;
  /** The same as {@link tcp}, for code that was written for LuaSocket. @phases yield */
  function stream(): LuaMultiReturn<[Tcp, undefined] | [undefined, string]>;

  type Done = LuaMultiReturn<[1, undefined] | [undefined, string]>;
  /** On an error, what came before it is the third value. */
  type Received = LuaMultiReturn<
    [data: string, err: undefined, partial: undefined] | [undefined, string, string]
  >;

  interface ConnectOptions {
    /** Connections with the same name share a keepalive pool; default "host:port". */
    pool?: string;
    pool_size?: number;
    /** How many may wait for a connection of the pool. */
    backlog?: number;
  }

  /** Opaque; given back to `sslhandshake` it resumes the session. */
  interface SslSession {
    readonly __sslSession: never;
  }

  /**
   * A socket whose calls wait without blocking the worker. It belongs to the request (or timer) that made it and
   * can't be kept in module-level variables beyond it.
   *
   * @phases yield
   */
  interface Tcp {
    bind(address: string, port?: number): Done;
    connect(host: string, port: number, options?: ConnectOptions): Done;
    connect(unixPath: `unix:${string}`, options?: ConnectOptions): Done;
    /** `reused` false asks for no session object, then `true` comes back in its place. */
    sslhandshake(
      reused?: SslSession | false,
      serverName?: string,
      verify?: boolean,
      sendStatusRequest?: boolean,
    ): LuaMultiReturn<[SslSession | true, undefined] | [undefined | false, string]>;
    setclientcert(cert: unknown, key: unknown): Done;
    /**
     * An OpenSSL `X509_STORE *` that the next `sslhandshake` with `verify` trusts in the place of
     * `lua_ssl_trusted_certificate`; for that one only. From 0.10.29 of the module on, as are the four below.
     *
     * @phases handler timer
     */
    settrustedstore(store: unknown): Done;
    /** The descriptor, for FFI; closing it is up to the socket. */
    getfd(): LuaMultiReturn<[number, undefined] | [undefined, string]>;
    /** OpenSSL's `SSL *` of the connection, for FFI. */
    getsslpointer(): LuaMultiReturn<[unknown, undefined] | [undefined, string]>;
    /** OpenSSL's `SSL_CTX *` of the connection, for FFI. */
    getsslctx(): LuaMultiReturn<[unknown, undefined] | [undefined, string]>;
    /** Asked after the first answer, it holds the ticket that TLS 1.3 sends only then; `sslhandshake`'s doesn't. */
    getsslsession(): LuaMultiReturn<[SslSession, undefined] | [undefined, string]>;
    /** A list is sent as if it were joined, without a copy. Returns the bytes sent. */
    send(
      data: string | number | readonly (string | number)[],
    ): LuaMultiReturn<[number, undefined] | [undefined, string]>;
    /** That many bytes; or with "*l" (the default) one line without its end, with "*a" all until it is closed. */
    receive(sizeOrPattern?: number | "*l" | "*a"): Received;
    /** Whatever has arrived, at most `maxBytes`. */
    receiveany(maxBytes: number): LuaMultiReturn<[string, undefined] | [undefined, string]>;
    /** An iterator over the data before each `pattern`; with a size, in pieces, and `nil, nil` at the boundary. */
    receiveuntil(
      pattern: string,
      options?: { inclusive?: boolean },
    ): (
      this: void,
      size?: number,
    ) => LuaMultiReturn<[string | undefined, string | undefined, string | undefined]>;
    close(): Done;
    settimeout(ms: number): void;
    settimeouts(connectMs: number, sendMs: number, readMs: number): void;
    setoption(
      option: "keepalive" | "reuseaddr" | "tcp-nodelay" | "sndbuf" | "rcvbuf",
      value?: boolean | number,
    ): Done;
    getoption(
      option: "keepalive" | "reuseaddr" | "tcp-nodelay" | "sndbuf" | "rcvbuf",
    ): LuaMultiReturn<[number, undefined] | [undefined, string]>;
    /**
     * Puts the connection into the pool; `idleMs` 0 keeps it for ever. The socket is closed for its owner. Fails
     * with "unread data in buffer" when something is left to be read.
     */
    setkeepalive(idleMs?: number, poolSize?: number): Done;
    /** 0 for a new connection. */
    getreusedtimes(): LuaMultiReturn<[number, undefined] | [undefined, string]>;
  }

  /** Like {@link Tcp}, for datagrams. @phases yield */
  interface Udp {
    /** The local address to send from. From 0.10.25 of the module on. */
    bind(address: string): Done;
    setpeername(host: string, port: number): Done;
    setpeername(unixPath: `unix:${string}`): Done;
    send(data: string | readonly string[]): Done;
    /** At most `maxBytes` (8,192 at most) of one datagram. */
    receive(maxBytes?: number): LuaMultiReturn<[string, undefined] | [undefined, string]>;
    close(): Done;
    settimeout(ms: number): void;
  }
}
