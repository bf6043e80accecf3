-- Adds ids to filters (contract/src/membership.ts).
--
-- KEYS[1]  who leads    KEYS[2]  the filter (a hash), whose highest id is raised    KEYS[3…]  bits of it
--
-- ARGV[1]  the token of the leader who calls    ARGV[2]  the highest of the ids
-- and for each of KEYS[3…] two more: its generation, and the positions of all ids in it, as text with commas
--
-- Bits whose generation is neither in use nor being built are left alone: they were taken away.
--
-- Returns how many generations are known here. Fails with FENCED, and does nothing, when another relay leads.

if redis.call("GET", KEYS[1]) ~= ARGV[1] then
  return redis.error_reply("FENCED another relay leads")
end
local held = redis.call("HMGET", KEYS[2], "generation", "building", "highest")
local used, building, highest = held[1], held[2], held[3]
local known = 0
for at = 3, #KEYS do
  local generation, positions = ARGV[2 * at - 3], ARGV[2 * at - 2]
  if generation == used or generation == building then
    known = known + 1
    for position in string.gmatch(positions, "%d+") do
      redis.call("SETBIT", KEYS[at], position, 1)
    end
  end
end
if known > 0 and highest and tonumber(highest) < tonumber(ARGV[2]) then
  redis.call("HSET", KEYS[2], "highest", ARGV[2])
end
return known
