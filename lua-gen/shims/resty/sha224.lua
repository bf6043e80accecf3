-- Debian installs lua-resty-string under another name. This stands last on the Lua path, so a real resty.sha224 wins.
return require("nginx.sha224")
