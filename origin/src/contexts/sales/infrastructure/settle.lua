-- Tells tickets what became of them, after it was committed to MySQL, and takes them off the queue. Harmless when it is
-- done again: an outcome stays what it is, and pieces are given back once.
--
-- KEYS[1] state of the sale   KEYS[2] the queue   KEYS[3…] the bucket of each ticket's buyer
--
-- ARGV[1] the consumer group   ARGV[2] when the buckets may be forgotten, Unix ms
-- and for each ticket six more: entry of the queue, ticket, user, quantity, outcome, "1" when its pieces go back

local call = redis.call
for i = 1, #KEYS - 2 do
  local bucket, at = KEYS[i + 2], 6 * (i - 1) + 3
  local entry, ticket, user, quantity = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local fields = call("HMGET", bucket, "t" .. ticket, "u" .. user)
  if not fields[1] or fields[1] == "w" then
    call("HSET", bucket, "t" .. ticket, ARGV[at + 4])
    call("PEXPIREAT", bucket, ARGV[2])
    local back = fields[1] == "w" and ARGV[at + 5] == "1"
    if back and call("EXISTS", KEYS[1]) == 1 then
      call("HINCRBY", KEYS[1], "taken", -quantity)
    end
    if fields[2] then
      local pieces, waiting = string.match(fields[2], "^(%d+):?(.*)$")
      if waiting == ticket then
        call("HSET", bucket, "u" .. user, tonumber(pieces) - (back and quantity or 0))
      end
    end
  end
  call("XACK", KEYS[2], ARGV[1], entry)
  call("XDEL", KEYS[2], entry)
end
return #KEYS - 2
