// LuaJIT's and OpenResty's additions to `table`. Each is there once its module was loaded, so import it for its
// effect first: `import "table.new"`, then `table.new(64, 0)`. All of these compile.

/** @noResolution */
declare module "table.new" {}
/** @noResolution */
declare module "table.clear" {}
/** @noResolution */
declare module "table.clone" {}
/** @noResolution */
declare module "table.nkeys" {}
/** @noResolution */
declare module "table.isarray" {}
/** @noResolution */
declare module "table.isempty" {}

/** @noSelf */
declare namespace table {
  /** A table with room for so many list items and other keys, without growing. Import "table.new". */
  function create<T extends object = LuaTable>(listCount: number, keyCount: number): T;

  export { create as new };
}

/** @noSelf */
declare namespace table {
  /** Empties the table and keeps its memory. Import "table.clear". */
  function clear(target: object): void;
  /** A shallow copy. OpenResty's LuaJIT only. Import "table.clone". */
  function clone<T extends object>(source: T): T;
  /** How many keys hold a value, in O(n). OpenResty's LuaJIT only. Import "table.nkeys". */
  function nkeys(source: object): number;
  /** OpenResty's LuaJIT only. Import "table.isarray". */
  function isarray(source: object): boolean;
  /** OpenResty's LuaJIT only. Import "table.isempty". */
  function isempty(source: object): boolean;
}
