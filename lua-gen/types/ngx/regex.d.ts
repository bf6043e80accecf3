/** PCRE. Option "j" compiles, "o" keeps the compiled pattern for the worker: use both, always. @noSelf */
declare namespace ngx.re {
  /** By number, the whole match at 0, and by name. A group that took no part is `false`. */
  interface Captures {
    readonly [group: number]: string | false | undefined;
    readonly [group: string]: string | false | undefined;
    readonly 0: string;
  }
  /** `pos` counts from 1; it says where to start and is moved behind the match. */
  interface MatchContext {
    pos?: number;
  }

  /** `nil, nil` when nothing matched, `nil, error` when the pattern is bad or PCRE gave up. @phases any -init */
  function match(
    subject: string,
    regex: string,
    options?: string,
    context?: MatchContext,
    into?: object,
  ): LuaMultiReturn<[captures: Captures | undefined, err: string | undefined]>;

  /** Positions of the match, or of one group, from 1, inclusive; makes no strings. @phases any -init */
  function find(
    subject: string,
    regex: string,
    options?: string,
    context?: MatchContext,
    group?: number,
  ): LuaMultiReturn<[from: number, to: number, err: undefined] | [undefined, undefined, string | undefined]>;

  /** The iterator gives captures, then `nil`. @phases any -init */
  function gmatch(
    subject: string,
    regex: string,
    options?: string,
  ): LuaMultiReturn<
    | [(this: void) => LuaMultiReturn<[Captures | undefined, string | undefined]>, undefined]
    | [undefined, string]
  >;

  type Replacement = string | ((this: void, captures: Captures) => string);

  /** In a string, `$1` and `${name}` stand for groups and `$$` for a dollar. Replaces the first match. @phases any -init */
  function sub(
    subject: string,
    regex: string,
    replacement: Replacement,
    options?: string,
  ): LuaMultiReturn<[text: string, count: number, err: undefined] | [undefined, undefined, string]>;

  /** {@link sub} for all matches. @phases any -init */
  function gsub(
    subject: string,
    regex: string,
    replacement: Replacement,
    options?: string,
  ): LuaMultiReturn<[text: string, count: number, err: undefined] | [undefined, undefined, string]>;
}
