-- Puts a relay's token in the place of the one that it saw there before it made sure that it holds the lock. One
-- that was paused in between finds the token of whoever leads by now.
--
-- KEYS[1]  who leads    ARGV[1]  the token seen, "" for none    ARGV[2]  the new one
--
-- Returns 1 when it leads, 0 when another one does.

if (redis.call("GET", KEYS[1]) or "") ~= ARGV[1] then
  return 0
end
redis.call("SET", KEYS[1], ARGV[2])
return 1
