-- Admits a buyer to a flash sale, once: whoever comes again with the same ticket is told what became of it. All keys
-- are of one sale and in one hash slot. Time is Redis's own, the same for all edges.
--
-- KEYS[1]  state of the sale (hash): granted, pieces that were ever for sale; taken, pieces that were ever admitted, less
--          those that were turned down; admits; due, Unix ms, when the next admission would be on time
-- KEYS[2]  bucket of the buyer (hash): t<ticket> "w" while it waits, else its outcome; u<user> pieces that they have
--          got or wait for, and behind a colon the ticket that waits
-- KEYS[3]  the queue (stream): u user, t ticket, q quantity, a arrival
--
-- ARGV[1] user   ARGV[2] ticket   ARGV[3] quantity   ARGV[4] pieces that a user may have   ARGV[5] admissions a second
-- ARGV[6] when the request arrived, Unix ms   ARGV[7] when the bucket may be forgotten, Unix ms
-- ARGV[8] "1" admits; "0" only looks for the ticket   ARGV[9] so many ms may admissions be ahead of their time
-- ARGV[10] so many may wait in the queue
--
-- Returns {"held", value} the ticket was used before; {"none"} it was not, and was only looked for; {"absent"} the
-- state is not there; {"waits"} another ticket of the user waits; {"limit"}; {"sold-out"}; {"later", ms} too many just now,
-- or in the queue;
-- {"admitted", entries in the queue}
--
-- Admissions are spread evenly over the second (as in GCRA), with as many at once as come to one of a round trip. Were
-- they counted by seconds, then those of each second would go to whoever comes first in it, which is who aims at it.

local call = redis.call
local ticket_field, user_field = "t" .. ARGV[2], "u" .. ARGV[1]
local entries = call("HMGET", KEYS[2], ticket_field, user_field)
if entries[1] then
  return { "held", entries[1] }
end
if ARGV[8] ~= "1" then
  return { "none" }
end
local state = call("HMGET", KEYS[1], "granted", "taken", "due")
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
local now, step = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000, 1000 / tonumber(ARGV[5])
local due = math.max(tonumber(state[3]) or 0, now)
local early = due - now - math.max(0, tonumber(ARGV[9]) - step)
if early > 0 then
  return { "later", math.ceil(early) }
end
local waiting = call("XLEN", KEYS[3])
if waiting >= tonumber(ARGV[10]) then
  return { "later", 1000 }
end
call("HSET", KEYS[1], "taken", tonumber(state[2]) + quantity, "due", string.format("%.4f", due + step))
call("HINCRBY", KEYS[1], "admits", 1)
call("HSET", KEYS[2], ticket_field, "w", user_field, (pieces + quantity) .. ":" .. ARGV[2])
call("PEXPIREAT", KEYS[2], ARGV[7])
call("XADD", KEYS[3], "*", "u", ARGV[1], "t", ARGV[2], "q", ARGV[3], "a", ARGV[6])
return { "admitted", waiting + 1 }
