-- Debian installs lua-resty-redis under another name. This stands last on the Lua path, so a real resty.redis wins.
return require("nginx.redis")
