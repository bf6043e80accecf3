-- Moves what the relay keeps of itself in Redis, but only from what the relay believes to be there. A Redis that
-- was wiped, or that fell back to an older state in a failover, answers 0, and the relay starts again from what
-- it finds.
--
-- KEYS[1]  who leads    KEYS[2]  the change stream    KEYS[3]  checkpoint    KEYS[4]  ready    KEYS[5]  fills
--
-- ARGV[1]  the token of the leader who calls    ARGV[2]  entries to keep in the change stream, approximately
-- ARGV[3]  checkpoint expected, "" for none     ARGV[4]  the new one, "" to remove it
-- ARGV[5]  ready expected                       ARGV[6]  the new one, an epoch, told to the change stream
-- ARGV[7]  fills expected                       ARGV[8]  the new ones
--
-- Returns 1 when it was moved, 0 when Redis is not as expected. Fails with FENCED when another relay leads.

if redis.call("GET", KEYS[1]) ~= ARGV[1] then
  return redis.error_reply("FENCED another relay leads")
end
for at = 3, 5 do
  if (redis.call("GET", KEYS[at]) or "") ~= ARGV[2 * at - 3] then
    return 0
  end
end
for at = 3, 5 do
  local expected, new = ARGV[2 * at - 3], ARGV[2 * at - 2]
  if new == "" and expected ~= "" then
    redis.call("DEL", KEYS[at])
  elseif new ~= expected then
    redis.call("SET", KEYS[at], new)
  end
end
if ARGV[6] ~= "" and ARGV[6] ~= ARGV[5] then
  redis.call("XADD", KEYS[2], "MAXLEN", "~", ARGV[2], "*", "k", "epoch", "id", ARGV[6], "v", "1")
end
return 1
