-- Debian installs lua-resty-string under another name. This stands last on the Lua path, so a real resty.string wins.
return require("nginx.string")
