/// <reference types="@typescript-to-lua/language-extensions" />
/// <reference types="lua-types/jit" />
/// <reference path="./ngx.d.ts" />
