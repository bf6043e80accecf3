-- Brings the state of a sale to what MySQL says of its pieces. What is admitted and not decided yet is known here only,
-- so `taken` is set when there is no state, and again when nothing waits and nobody was admitted since MySQL was asked.
--
-- KEYS[1] state of the sale   KEYS[2] the queue
-- ARGV[1] pieces that were ever for sale   ARGV[2] pieces that nobody has ordered   ARGV[3] version of both
-- ARGV[4] when the state may be forgotten, Unix ms   ARGV[5] admissions as they were before MySQL was asked; "" when there was no state
--
-- Returns "prepared", "corrected" or "kept"

local call = redis.call
local granted, available, version = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held = call("HMGET", KEYS[1], "version", "admits", "taken", "granted")
if not held[1] then
  call("HSET", KEYS[1], "granted", granted, "taken", granted - available, "version", version, "admits", 0)
  call("PEXPIREAT", KEYS[1], ARGV[4])
  return "prepared"
end
local newer = version > tonumber(held[1])
if newer then
  call("HSET", KEYS[1], "granted", granted, "version", version)
  call("PEXPIREAT", KEYS[1], ARGV[4])
end
if version >= tonumber(held[1]) and held[2] == ARGV[5] and call("XLEN", KEYS[2]) == 0 then
  if tonumber(held[3]) ~= granted - available then
    call("HSET", KEYS[1], "taken", granted - available)
    return "corrected"
  end
end
return "kept"
