-- Admits a buyer to a flash sale, once: whoever comes again with the same ticket is told what became of it. All keys
-- are of one sale and in one hash slot. Time is Redis's own, the same for all edges.
--
-- KEYS[1]  state of the sale (hash): granted, pieces that were ever for sale; taken, pieces that were ever admitted, less
--          those that were turned down; admits; second and count, the admissions of the current second
-- KEYS[2]  bucket of the buyer (hash): t<ticket> "w" while it waits, else its outcome; u<user> pieces that they have
--          got or wait for, and behind a colon the ticket that waits
-- KEYS[3]  the queue (stream): u user, t ticket, q quantity, a arrival
--
-- ARGV[1] user   ARGV[2] ticket   ARGV[3] quantity   ARGV[4] pieces that a user may have   ARGV[5] admissions a second
-- ARGV[6] when the request arrived, Unix ms   ARGV[7] when the bucket may be forgotten, Unix ms
-- ARGV[8] "1" admits; "0" only looks for the ticket
--
-- Returns {"held", value} the ticket was used before; {"none"} it was not, and was only looked for; {"absent"} the
-- state is not there; {"waits"} another ticket of the user waits; {"limit"}; {"sold-out"}; {"later", ms} too many in this second;
-- {"admitted", entries in the queue}

local call = redis.call
local ticket_field, user_field = "t" .. ARGV[2], "u" .. ARGV[1]
local entries = call("HMGET", KEYS[2], ticket_field, user_field)
if entries[1] then
  return { "held", entries[1] }
end
if ARGV[8] ~= "1" then
  return { "none" }
end
local state = call("HMGET", KEYS[1], "granted", "taken", "second", "count")
if not state[1] then
  return { "absent" }
end
local quantity, pieces = tonumber(ARGV[3]), 0
if entries[2] then
  local held, waiting = string.match(entries[2], "^(%d+):?(.*)$")
  if waiting ~= "" then
    return { "waits" }
  end
  pieces = tonumber(held)
end
if pieces + quantity > tonumber(ARGV[4]) then
  return { "limit" }
end
if tonumber(state[1]) - tonumber(state[2]) < quantity then
  return { "sold-out" }
end
local time = call("TIME")
local count = state[3] == time[1] and tonumber(state[4]) or 0
if count >= tonumber(ARGV[5]) then
  return { "later", 1000 - math.floor(tonumber(time[2]) / 1000) }
end
call("HSET", KEYS[1], "taken", tonumber(state[2]) + quantity, "second", time[1], "count", count + 1)
call("HINCRBY", KEYS[1], "admits", 1)
call("HSET", KEYS[2], ticket_field, "w", user_field, (pieces + quantity) .. ":" .. ARGV[2])
call("PEXPIREAT", KEYS[2], ARGV[7])
call("XADD", KEYS[3], "*", "u", ARGV[1], "t", ARGV[2], "q", ARGV[3], "a", ARGV[6])
return { "admitted", call("XLEN", KEYS[3]) }
