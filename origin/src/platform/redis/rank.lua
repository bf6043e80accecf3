-- Keeps, of each product, the users who like it and those who took it back, by the time of their last action: the
-- newest of them, complete down to a floor. Below the floor nothing is kept and nothing is taken: the database has it.
--
-- KEYS[1]  the stream that is told    KEYS[2]  who leads
-- and for each row three more: the likes entry (a hash: its field "floor"), the likers, the former likers
--
-- ARGV[1]  the token of the leader who calls    ARGV[2]  entries to keep in the change stream, approximately
-- ARGV[3]  "1" tells the change stream          ARGV[4]  change kind    ARGV[5]  users to keep in each set
-- and for each row four more: product id, user id (of one length, so that equal times are in order), time of the
-- action (Unix, ms; it grows with each change of the row), "1" when the user likes the product now
--
-- A row is taken when it is newer than what is there of its user, whoever brings it and in whatever order. When a
-- set is too large, its oldest go, the floor rises to the newest of these, and whatever is as old goes from both.
--
-- Returns a digit for each row: 1 applied, 0 not. Fails with FENCED, and does nothing, when another relay leads.

if ARGV[1] ~= "" and redis.call("GET", KEYS[2]) ~= ARGV[1] then
  return redis.error_reply("FENCED another relay leads")
end

local call = redis.call
local stream_max, announced, kind, kept_max = ARGV[2], ARGV[3] == "1", ARGV[4], tonumber(ARGV[5])
local results = {}
local told = {}

local function trim(entry, set, other)
  local over = call("ZCARD", set) - kept_max
  if over <= 0 then
    return
  end
  local floor = call("ZRANGE", set, over - 1, over - 1, "WITHSCORES")[2]
  call("HSET", entry, "floor", floor)
  call("ZREMRANGEBYSCORE", set, "-inf", floor)
  call("ZREMRANGEBYSCORE", other, "-inf", floor)
end

for row = 1, (#KEYS - 2) / 3 do
  local entry, likers, former = KEYS[3 * row], KEYS[3 * row + 1], KEYS[3 * row + 2]
  local at = 4 * row + 2
  local product, user, acted_at, liked = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3] == "1"
  local floor = call("HGET", entry, "floor")
  local held = call("ZSCORE", likers, user) or call("ZSCORE", former, user)
  local applies = (not floor or tonumber(acted_at) > tonumber(floor))
    and (not held or tonumber(acted_at) > tonumber(held))
  if applies then
    local into, from = likers, former
    if not liked then
      into, from = former, likers
    end
    call("ZADD", into, acted_at, user)
    call("ZREM", from, user)
    trim(entry, into, from)
    told[product] = announced or nil
  end
  results[row] = applies and "1" or "0"
end
for product in pairs(told) do
  call("XADD", KEYS[1], "MAXLEN", "~", stream_max, "*", "k", kind, "id", product, "v", "0")
end
return table.concat(results)
