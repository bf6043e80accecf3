-- The same as ../generated/gate.ts, written in Lua by hand.
local bit = require("bit")
local band, bxor, lshift, rshift = bit.band, bit.bxor, bit.lshift, bit.rshift
local byte, sub = string.byte, string.sub
local ngx, tonumber = ngx, tonumber

local PREFIX = "/items/"
local BEARER = "Bearer "
local ID_DIGITS_MAX = 9
local ITEMS_MAX = 10000
local HITS_MAX = 1000000000

local currencies = { "CHF", "EUR", "GBP", "SEK", "USD" }
local items = {}

local function item_id(uri)
    if uri == nil or sub(uri, 1, #PREFIX) ~= PREFIX then return nil end
    local digits = #uri - #PREFIX
    if digits < 1 or digits > ID_DIGITS_MAX then return nil end
    return tonumber(sub(uri, #PREFIX + 1))
end

local function bearer_token(authorization)
    if authorization == nil or sub(authorization, 1, #BEARER) ~= BEARER then return nil end
    return sub(authorization, #BEARER + 1)
end

local function checksum(text)
    local sum = 5381
    for i = 1, #text do
        sum = bxor(band(sum + lshift(sum, 5), 0x7fffffff), byte(text, i))
    end
    return bxor(sum, rshift(sum, 16))
end

local function is_currency(name)
    for i = 1, #currencies do
        if currencies[i] == name then return true end
    end
    return false
end

local function make_item(id)
    local item = { price = id * 7919 % 10000, name = "Item " .. id }
    if id < ITEMS_MAX then items[id] = item end
    return item
end

local function refuse(status, why)
    ngx.status = status
    ngx.print(why)
end

local _M = {}

function _M.content()
    local var = ngx.var
    local id = item_id(var.uri)
    if id == nil then return refuse(404, "no such item") end
    local token = bearer_token(var.http_authorization)
    if token == nil then return refuse(401, "no token") end
    if checksum(token) == 0 then return refuse(401, "a bad token") end
    local hits = ngx.shared.hits:incr(var.remote_addr or "", 1, 0)
    if hits == nil or hits > HITS_MAX then return refuse(429, "too many") end
    local currency = var.arg_currency or "EUR"
    if not is_currency(currency) then return refuse(400, "no such currency") end
    local item = items[id] or make_item(id)
    ngx.header["content-type"] = "application/json"
    ngx.print('{"id":' .. id .. ',"name":"' .. item.name .. '","price":' .. item.price
        .. ',"currency":"' .. currency .. '"}')
end

return _M
