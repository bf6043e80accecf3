/** @noResolution @noSelf */
declare module "ngx.ssl" {
  import type { Pointer } from "ffi";

  type Done = LuaMultiReturn<[true, undefined] | [undefined, string]>;
  type Address = LuaMultiReturn<
    [data: string, type: "inet" | "inet6" | "unix", err: undefined] | [undefined, undefined, string]
  >;

  /** Before setting others: those of the configuration. @phases ssl */
  export function clear_certs(): Done;
  /** @phases any */
  export function cert_pem_to_der(pem: string): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** @phases any */
  export function priv_key_pem_to_der(
    pem: string,
    passphrase?: string,
  ): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** @phases ssl */
  export function set_der_cert(der: string): Done;
  /** @phases ssl */
  export function set_der_priv_key(der: string): Done;
  /** Parse once and set often: faster than DER for each handshake. @phases any */
  export function parse_pem_cert(pem: string): LuaMultiReturn<[Pointer, undefined] | [undefined, string]>;
  /** @phases any */
  export function parse_pem_priv_key(pem: string): LuaMultiReturn<[Pointer, undefined] | [undefined, string]>;
  /** @phases ssl */
  export function set_cert(chain: Pointer): Done;
  /** @phases ssl */
  export function set_priv_key(key: Pointer): Done;
  /** `nil, nil` when the client sent no SNI. @phases any */
  export function server_name(): LuaMultiReturn<[string | undefined, string | undefined]>;
  /** @phases any */
  export function server_port(): LuaMultiReturn<[number, undefined] | [undefined, string]>;
  /** Bytes in network order. @phases any */
  export function raw_server_addr(): Address;
  /** Bytes in network order. @phases any */
  export function raw_client_addr(): Address;
  /** "TLSv1.3". @phases any */
  export function get_tls1_version_str(): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** Asks the client for a certificate; the outcome is in `$ssl_client_verify`. @phases ssl */
  export function verify_client(trusted?: Pointer, depth?: number): Done;
}

/** @noResolution @noSelf */
declare module "ngx.ssl.clienthello" {
  /** `nil, nil` without SNI. @phases ssl */
  export function get_client_hello_server_name(): LuaMultiReturn<[string | undefined, string | undefined]>;
  /** The extension's raw bytes. @phases ssl */
  export function get_client_hello_ext(type: number): string | undefined;
  /** @phases ssl */
  export function set_protocols(
    protocols: readonly ("SSLv2" | "SSLv3" | "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3")[],
  ): LuaMultiReturn<[true, undefined] | [undefined, string]>;
}
