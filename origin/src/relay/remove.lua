-- Removes projections that belong to another database.
--
-- KEYS[1]  who leads    KEYS[2…]  what to remove    ARGV[1]  the token of the leader who calls
--
-- Returns how many there were. Fails with FENCED when another relay leads.

if redis.call("GET", KEYS[1]) ~= ARGV[1] then
  return redis.error_reply("FENCED another relay leads")
end
return redis.call("UNLINK", unpack(KEYS, 2))
