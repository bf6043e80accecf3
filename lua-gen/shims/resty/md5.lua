-- Debian installs lua-resty-string under another name. This stands last on the Lua path, so a real resty.md5 wins.
return require("nginx.md5")
