-- Says which bits of a filter are to be built, and takes away what is of no use any more.
--
-- KEYS[1]  who leads    KEYS[2]  the filter (a hash)    KEYS[3]  its new ids    KEYS[4…]  bits that go away
--
-- ARGV[1]  the token of the leader who calls    ARGV[2]  "1" when the filter in use, if there is one, is one no more
-- ARGV[3]  the generation to be built, "" for none
--
-- Returns 1. Fails with FENCED, and does nothing, when another relay leads.

if redis.call("GET", KEYS[1]) ~= ARGV[1] then
  return redis.error_reply("FENCED another relay leads")
end
if ARGV[2] == "1" then
  redis.call("DEL", KEYS[2], KEYS[3])
end
for at = 4, #KEYS do
  redis.call("UNLINK", KEYS[at])
end
if ARGV[3] == "" then
  redis.call("HDEL", KEYS[2], "building")
else
  redis.call("HSET", KEYS[2], "building", ARGV[3])
end
return 1
