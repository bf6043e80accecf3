-- Debian installs lua-resty-string under another name. This stands last on the Lua path, so a real resty.random wins.
return require("nginx.random")
