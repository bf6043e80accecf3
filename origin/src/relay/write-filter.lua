-- Writes a piece of a filter's bits, which has all that were set before.
--
-- KEYS[1]  who leads    KEYS[2]  the filter (a hash)    KEYS[3]  the bits
--
-- ARGV[1]  the token of the leader who calls    ARGV[2]  the generation of the bits    ARGV[3]  where, bytes
-- ARGV[4]  the piece
--
-- Returns 1, or 0 and does nothing when that generation is neither in use nor being built. Fails with FENCED when another
-- relay leads.

if redis.call("GET", KEYS[1]) ~= ARGV[1] then
  return redis.error_reply("FENCED another relay leads")
end
local held = redis.call("HMGET", KEYS[2], "generation", "building")
if held[1] ~= ARGV[2] and held[2] ~= ARGV[2] then
  return 0
end
redis.call("SETRANGE", KEYS[3], ARGV[3], ARGV[4])
return 1
