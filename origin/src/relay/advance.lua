-- Moves the relay's checkpoint, but only from where the relay believes it to be. A Redis that was wiped, or
-- that fell back to an older state in a failover, answers 0, and the relay starts again from what it finds.
--
-- KEYS[1]  checkpoint    KEYS[2]  ready    KEYS[3]  the change stream
--
-- ARGV[1]  the checkpoint expected, "" for none    ARGV[2]  the epoch expected in ready, "" for none
-- ARGV[3]  the new checkpoint                      ARGV[4]  the new epoch in ready, "" to remove it
-- ARGV[5]  entries to keep in the change stream, approximately
--
-- Returns 1 when it was moved, 0 when Redis is not as expected.

if (redis.call("GET", KEYS[1]) or "") ~= ARGV[1] or (redis.call("GET", KEYS[2]) or "") ~= ARGV[2] then
  return 0
end
redis.call("SET", KEYS[1], ARGV[3])
if ARGV[4] == ARGV[2] then
  return 1
end
if ARGV[4] == "" then
  redis.call("DEL", KEYS[2])
else
  redis.call("SET", KEYS[2], ARGV[4])
  redis.call("XADD", KEYS[3], "MAXLEN", "~", ARGV[5], "*", "k", "epoch", "id", ARGV[4], "v", "1")
end
return 1
