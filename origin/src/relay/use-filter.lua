-- Puts bits of a filter in use that were built, and tells the change stream.
--
-- KEYS[1]  who leads    KEYS[2]  the change stream    KEYS[3]  the filter (a hash)
-- KEYS[4]  the bits that were in use until now, if there were any
--
-- ARGV[1]  the token of the leader who calls    ARGV[2]  entries to keep in the change stream, approximately
-- ARGV[3]  the generation to be used    ARGV[4]  epoch    ARGV[5]  bits    ARGV[6]  hashes    ARGV[7]  the highest id
--
-- Returns 1, or 0 and does nothing when it is not what is being built. Fails with FENCED when another relay leads.

if redis.call("GET", KEYS[1]) ~= ARGV[1] then
  return redis.error_reply("FENCED another relay leads")
end
if redis.call("HGET", KEYS[3], "building") ~= ARGV[3] then
  return 0
end
if KEYS[4] then
  redis.call("UNLINK", KEYS[4])
end
redis.call("HDEL", KEYS[3], "building")
redis.call("HSET", KEYS[3], "generation", ARGV[3], "epoch", ARGV[4], "bits", ARGV[5], "hashes", ARGV[6], "highest", ARGV[7])
redis.call("XADD", KEYS[2], "MAXLEN", "~", ARGV[2], "*", "k", "filter", "id", ARGV[3], "v", "1")
return 1
