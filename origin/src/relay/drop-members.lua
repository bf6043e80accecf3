-- Forgets new ids of a filter that are in its bits by now: those at the beginning of the list.
--
-- KEYS[1]  who leads    KEYS[2]  the new ids    ARGV[1]  the token of the leader who calls    ARGV[2]  how many bytes
--
-- Returns 1. Fails with FENCED, and does nothing, when another relay leads.

if redis.call("GET", KEYS[1]) ~= ARGV[1] then
  return redis.error_reply("FENCED another relay leads")
end
local rest = redis.call("GETRANGE", KEYS[2], ARGV[2], -1)
if rest == "" then
  redis.call("DEL", KEYS[2])
else
  redis.call("SET", KEYS[2], rest)
end
return 1
