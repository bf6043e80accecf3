-- Adds ids to filters (contract/src/membership.ts).
--
-- KEYS[1]  who leads    KEYS[2]  the filter in use (a hash), whose highest id is raised; its bits need not be among
-- the rest    KEYS[3…]  bits of filters, in use or being built
--
-- ARGV[1]  the token of the leader who calls    ARGV[2]  the highest of the ids    ARGV[3]  ms that bits live, "0" for ever
-- and for each of KEYS[3…] one more: the positions of all ids in it, as text with commas
--
-- Returns 1. Fails with FENCED, and does nothing, when another relay leads.

if redis.call("GET", KEYS[1]) ~= ARGV[1] then
  return redis.error_reply("FENCED another relay leads")
end
for at = 3, #KEYS do
  for position in string.gmatch(ARGV[at + 1], "%d+") do
    redis.call("SETBIT", KEYS[at], position, 1)
  end
  if ARGV[3] ~= "0" then
    redis.call("PEXPIRE", KEYS[at], ARGV[3])
  end
end
local highest = redis.call("HGET", KEYS[2], "highest")
if highest and tonumber(highest) < tonumber(ARGV[2]) then
  redis.call("HSET", KEYS[2], "highest", ARGV[2])
end
return 1
