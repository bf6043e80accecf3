-- Adds ids to a filter: to the list of those that are not in its bits yet.
--
-- KEYS[1]  who leads    KEYS[2]  the filter (a hash), whose highest id is raised    KEYS[3]  its new ids
--
-- ARGV[1]  the token of the leader who calls    ARGV[2]  the highest of the ids
-- ARGV[3]  the ids, each with a comma behind it
--
-- Returns the length of the list, or 0 and does nothing when there is no such filter, in use or being built. Fails with
-- FENCED when another relay leads.

if redis.call("GET", KEYS[1]) ~= ARGV[1] then
  return redis.error_reply("FENCED another relay leads")
end
local held = redis.call("HMGET", KEYS[2], "generation", "building", "highest")
if not held[1] and not held[2] then
  return 0
end
if held[3] and tonumber(held[3]) < tonumber(ARGV[2]) then
  redis.call("HSET", KEYS[2], "highest", ARGV[2])
end
return redis.call("APPEND", KEYS[3], ARGV[3])
