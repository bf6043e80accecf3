-- Takes an attempt from a budget, or puts one back; see domain/attempt-budget.ts, which computes the same.
--
-- KEYS[1]  the budget: the Unix time in ms at which it is full; absent when it is
-- ARGV[1]  now, Unix time in ms
-- ARGV[2]  ms for one attempt to come back
-- ARGV[3]  attempts of a full budget; 0 puts one back
--
-- Returns 0 when that was done, otherwise the ms to wait for the next attempt. The key lives until the budget is full.

local now, refill, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = tonumber(redis.call("GET", KEYS[1]) or "0")
local next
if burst == 0 then
  next = full - refill
else
  next = math.max(full, now) + refill
  local wait = next - burst * refill - now
  if wait > 0 then
    return wait
  end
end
if next <= now then
  redis.call("DEL", KEYS[1])
else
  redis.call("SET", KEYS[1], string.format("%d", next), "PX", string.format("%d", next - now))
end
return 0
