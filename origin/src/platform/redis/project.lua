-- The one way into a projection: applies a row's state only when it is newer than what is there, and tells
-- the change stream when it was. The relay, its snapshot and a use case that projects early all come here,
-- in any order and as often as they like; the row's version decides.
--
-- KEYS[1]  the projection (hash)
-- KEYS[2]  the change stream
--
-- ARGV[1]  layout: "entry" (fields <part>v and <part>d hold version and document) or
--          "field" (the hash field ARGV[2] holds a JSON document that carries its version)
-- ARGV[2]  entry: prefix of the two fields ("" or "product." …) · field: the field's name
-- ARGV[3]  version, a decimal integer
-- ARGV[4]  document, JSON; "" for a tombstone (entry only)
-- ARGV[5]  Unix time in ms at which the key expires; "0" leaves its expiry alone
-- ARGV[6]  change kind    ARGV[7]  change id
-- ARGV[8]  "1" to carry the document in the change as well
-- ARGV[9]  entries to keep in the change stream, approximately
--
-- Returns 1 when it was applied, 0 when the projection was as new already.

-- Versions pass 2^53 never in practice, but their text is compared by length first, so it would not matter.
local function newer(a, b)
  if #a ~= #b then
    return #a > #b
  end
  return a > b
end

local layout, name, version, document = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local current

if layout == "field" then
  local held = redis.call("HGET", KEYS[1], name)
  if held then
    current = string.match(held, '"version":(%d+)')
  end
else
  current = redis.call("HGET", KEYS[1], name .. "v")
end

if current and not newer(version, current) then
  return 0
end

if layout == "field" then
  redis.call("HSET", KEYS[1], name, document)
elseif document == "" then
  redis.call("HSET", KEYS[1], name .. "v", version)
  redis.call("HDEL", KEYS[1], name .. "d")
else
  redis.call("HSET", KEYS[1], name .. "v", version, name .. "d", document)
end

if ARGV[5] ~= "0" then
  redis.call("PEXPIREAT", KEYS[1], ARGV[5])
end

if ARGV[8] == "1" then
  redis.call("XADD", KEYS[2], "MAXLEN", "~", ARGV[9], "*", "k", ARGV[6], "id", ARGV[7], "v", version, "d", document)
else
  redis.call("XADD", KEYS[2], "MAXLEN", "~", ARGV[9], "*", "k", ARGV[6], "id", ARGV[7], "v", version)
end
return 1
