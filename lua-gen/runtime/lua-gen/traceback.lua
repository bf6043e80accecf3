-- Errors of compiled code, with the TypeScript positions that the build's source maps tell. While nothing fails, this
-- costs one xpcall for each entry, or nothing where nginx asks debug.traceback by itself (see hook); maps are read when
-- the first error comes, one file at a time.

local getinfo = debug.getinfo
local xpcall = xpcall
local error = error
local tostring = tostring
local require = require

local _M = {}

local digits = {}
for i = 1, 64 do
    digits[("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):byte(i)] = i - 1
end

-- The next number of a source map's mappings (base64 VLQ), and where it ends.
local function read_number(text, at)
    local value, scale = 0, 1
    while true do
        local digit = digits[text:byte(at)]
        at = at + 1
        local low = digit % 32
        value = value + low * scale
        if digit < 32 then break end
        scale = scale * 32
    end
    local magnitude = (value - value % 2) / 2
    return value % 2 == 1 and -magnitude or magnitude, at
end

-- For each line of Lua: the line and column in the source of the first thing on it.
local function read_lines(mappings)
    local lines, number, line, column, at = {}, 1, 0, 0, 1
    while at <= #mappings do
        local character = mappings:byte(at)
        if character == 59 then -- ;
            number, at = number + 1, at + 1
        elseif character == 44 then -- ,
            at = at + 1
        else
            local _, by
            _, at = read_number(mappings, at)
            if digits[mappings:byte(at) or 0] then
                _, at = read_number(mappings, at)
                by, at = read_number(mappings, at)
                line = line + by
                by, at = read_number(mappings, at)
                column = column + by
                if digits[mappings:byte(at) or 0] then _, at = read_number(mappings, at) end
                lines[number] = lines[number] or { line + 1, column + 1 }
            end
        end
    end
    return lines
end

-- `/a/dist` and `../src/x.ts` make `/a/src/x.ts`.
local function join(folder, path)
    while path:sub(1, 3) == "../" do
        folder, path = folder:match("^(.*)/[^/]*$") or "", path:sub(4)
    end
    return folder .. "/" .. path
end

local function read_map(lua_file)
    local file = io.open(lua_file .. ".map")
    if file == nil then return false end
    local text = file:read("*a")
    file:close()
    local source, mappings = text:match('"sources":%["([^"]*)"'), text:match('"mappings":"([^"]*)"')
    if source == nil or mappings == nil then return false end
    return { source = join(lua_file:match("^(.*)/[^/]*$") or ".", source), lines = read_lines(mappings) }
end

local maps = {}

local function place(lua_file, line)
    if maps[lua_file] == nil then
        local ok, map = pcall(read_map, lua_file)
        maps[lua_file] = ok and map
    end
    local map = maps[lua_file]
    -- A statement over several lines has its first one mapped.
    for at = line, map and line - 20 or line, -1 do
        local found = map and map.lines[at]
        if found then return map.source .. ":" .. found[1] .. ":" .. found[2] end
    end
    return lua_file .. ":" .. line
end

-- Runs where the error was raised, before the stack is gone; `from` is the stack's first level that is shown.
local function describe_from(from, problem)
    if type(problem) ~= "string" and type(problem) ~= "nil" then problem = tostring(problem) end
    local steps = {}
    for level = from, from + 38 do
        local info = getinfo(level, "Sln")
        if info == nil or info.source:find("lua-gen/traceback.lua", 1, true) then break end
        if info.currentline > 0 and info.source:sub(1, 1) == "@" then
            local at = place(info.source:sub(2), info.currentline)
            -- Lua puts its own position in front of the message, which for long paths is cut.
            if #steps == 0 and problem then
                problem = at .. ": " .. problem:gsub("^[^\n]-%.lua:%d+: ", "", 1)
            end
            steps[#steps + 1] = "\n\t" .. at .. ": in " .. (info.name and "'" .. info.name .. "'" or "a function")
        end
    end
    return tostring(problem) .. "\nTypeScript traceback:" .. table.concat(steps)
end

-- The message handler of xpcall.
local function describe(problem)
    local text = describe_from(3, problem)
    return text
end

local function finish(ok, ...)
    if ok then return ... end
    error((...), 0)
end

local plain_traceback = debug.traceback

--- Lua's own debug.traceback gives TypeScript positions from now on. lua-nginx-module asks it about errors of the phases
--- that have no coroutine: set_by_lua, filters, log, init. With `report`, each text goes there too.
function _M.hook(report)
    debug.traceback = function(...)
        local problem = ...
        -- Of another coroutine, or with a thing for a message: not an error that nginx asks about.
        if type(problem) ~= "string" then return plain_traceback(...) end
        local text = describe_from(3, problem)
        if report then report(text) end
        return text
    end
end

--- Calls f and returns what it returns; an error goes on, with its positions.
function _M.call(f, ...)
    return finish(xpcall(f, describe, ...))
end

--- A function like f whose errors have TypeScript positions.
function _M.wrap(f)
    return function(...)
        return finish(xpcall(f, describe, ...))
    end
end

local modules = {}

--- For nginx.conf: calls what a module exports.
function _M.run(module, entry)
    local exports = modules[module]
    if exports == nil then
        exports = require(module)
        modules[module] = exports
    end
    return finish(xpcall(exports[entry], describe))
end

return _M
