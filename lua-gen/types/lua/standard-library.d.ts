// The Lua standard library comes from `lua-types`, in the parts that LuaJIT has. Its `special/jit-only` is left
// out: it declares `ffi` as a global, which it isn't. `luajit.d.ts` and `ffi.d.ts` stand in its place.

/// <reference types="lua-types/core/index" />
/// <reference types="lua-types/special/5.1-or-jit" />
/// <reference types="lua-types/special/5.2-or-jit" />
/// <reference types="lua-types/special/5.2-plus-or-jit" />
/// <reference types="lua-types/special/5.3-pre" />
/// <reference types="lua-types/special/5.4-pre" />
