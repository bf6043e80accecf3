-- Debian installs lua-resty-string under another name. This stands last on the Lua path, so a real resty.sha1 wins.
return require("nginx.sha1")
