-- The one way into a projection: applies rows' states, each only when it is newer than what is there, and tells
-- the change stream of those that were. The relay, its fills and a use case that projects early all come here,
-- in any order and as often as they like; the row's version decides. All rows of one call have one shape.
--
-- KEYS[1]  the stream that is told    KEYS[2]  who leads    KEYS[3…]  the projections (hashes), one for each row
--
-- ARGV[1]  the token of the leader who calls; "" for a use case that projects its own commit
-- ARGV[2]  entries to keep in the change stream, approximately
-- ARGV[3]  rows to name in one entry of it; 0 tells it nothing
-- ARGV[4]  "newer" applies what is newer; "refill" also what is as new and looks different
-- ARGV[5]  layout: "entry" (fields <name>v and <name>d hold version and document) or
--          "field" (the hash field <name> holds a JSON document that carries its version; <name> is the id)
-- ARGV[6]  entry: prefix of the two fields ("" or "product." …)
-- ARGV[7]  change kind
-- ARGV[8]  "1" to carry the document in the change as well
-- and for each row four more: version (a decimal integer), document (JSON; "" for a tombstone, entry only),
-- Unix time in ms at which the key expires ("0" leaves its expiry alone), change id
--
-- A row is in its projection before an entry of the stream names it, and an entry names rows in the order in
-- which they were applied.
--
-- Returns a digit for each row: 1 applied, 0 the projection was as new already. Fails with FENCED, and does
-- nothing, when the token is not that of the leader.

-- Versions may pass 2^53: they are compared as text, by length first.
local function newer(a, b)
  if #a ~= #b then
    return #a > #b
  end
  return a > b
end

if ARGV[1] ~= "" and redis.call("GET", KEYS[2]) ~= ARGV[1] then
  return redis.error_reply("FENCED another relay leads")
end

local call = redis.call
local stream_max, per_entry, refills = ARGV[2], tonumber(ARGV[3]), ARGV[4] == "refill"
local is_field, prefix, kind, carries = ARGV[5] == "field", ARGV[6], ARGV[7], ARGV[8] == "1"
local version_field, document_field = prefix .. "v", prefix .. "d"
local results = {}
local entry, named = nil, 0

local function announce()
  call("XADD", KEYS[1], "MAXLEN", "~", stream_max, "*", unpack(entry))
  entry, named = nil, 0
end

for row = 1, #KEYS - 2 do
  local key, at = KEYS[row + 2], 4 * row + 5
  local version, document, expires_at, id = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local current, held
  if is_field then
    held = call("HGET", key, id)
    current = held and string.match(held, '"version":(%d+)')
  else
    current = call("HGET", key, version_field)
  end
  local applies = not current or newer(version, current)
  if not applies and refills and version == current then
    if not is_field then
      held = call("HGET", key, document_field) or ""
    end
    applies = held ~= document
  end
  if applies then
    if is_field then
      call("HSET", key, id, document)
    elseif document == "" then
      call("HSET", key, version_field, version)
      call("HDEL", key, document_field)
    else
      call("HSET", key, version_field, version, document_field, document)
    end
    if expires_at ~= "0" then
      call("PEXPIREAT", key, expires_at)
    end
    if per_entry > 0 then
      entry = entry or { "k", kind }
      local n = #entry
      entry[n + 1], entry[n + 2], entry[n + 3], entry[n + 4] = "id", id, "v", version
      if carries then
        entry[n + 5], entry[n + 6] = "d", document
      end
      named = named + 1
      if named == per_entry then
        announce()
      end
    end
  end
  results[row] = applies and "1" or "0"
end
if entry then
  announce()
end
return table.concat(results)
