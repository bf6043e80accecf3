-- Debian installs lua-resty-websocket under another name. This stands last on the Lua path, so a real one wins.
return require("nginx.websocket.client")
