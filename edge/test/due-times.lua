-- Drives the compiled table of due times without nginx, for due-times.test.ts: one line of figures for each part.
package.path = arg[1] .. "/?.lua;" .. package.path
local ffi = require("ffi")

local register = {}
ngx = {
  shared = {
    sluice_memory = {
      get = function(_, key) return register[key] end,
      safe_set = function(_, key, value) register[key] = value return true end,
    },
  },
}

local table_of = require("edge.src.limits.due-times")
local rates = require("contract.src.policy.rate-limit")
local memory = require("edge.src.platform.mapped-memory")

local KEYS = tonumber(arg[2])
local limit = rates.compileLimit({ key = "address", requests = 1, seconds = 3600 }, "once")
local now = rates.ticksAt(1796000000000)

local function resident_kb()
  local status = assert(io.open("/proc/self/status")):read("*a")
  return tonumber(status:match("VmRSS:%s+(%d+)"))
end

local times = table_of.createDueTimes("test", KEYS)
local before = resident_kb()

-- Addresses from anywhere, no two the same.
local function round(at)
  local passed = 0
  math.randomseed(7)
  for n = 1, KEYS do
    local address = n + 2 ^ 20 * math.random(0, 4095)
    if table_of.charge(times, limit, 2 ^ 48 + address, limit.place * 65536, at) then passed = passed + 1 end
  end
  return passed
end

local first = round(now)
local second = round(now)
print(string.format("keys %d %d %d", first, second, table_of.displaced(times)))
print(string.format("kilobytes %d", resident_kb() - before))

-- An hour later all of them owe nothing, and others take their places.
local others = 0
for n = 1, KEYS do
  if table_of.charge(times, limit, n, limit.place * 65536, now + limit.interval) then others = others + 1 end
end
print(string.format("later %d %d", others, table_of.displaced(times)))

local began = os.clock()
local burst = rates.compileLimit({ key = "address", requests = 1000000, seconds = 1, burst = 1000000 }, "fast")
for n = 1, KEYS do table_of.charge(times, burst, 2 ^ 48 + n % 1000, burst.place * 65536, now + n) end
print(string.format("nanoseconds %d", (os.clock() - began) * 1e9 / KEYS))

-- Somebody dies with a lock in the hand.
ffi.cdef("int fork(void); int getpid(void); int kill(int, int); int waitpid(int, int *, int);")
local locks = memory.mappedMemory("test locks", 2 * memory.LOCK_BYTES)
memory.createLocks(locks, 2)
local child = ffi.C.fork()
if child == 0 then
  memory.lock(locks, 1)
  ffi.C.kill(ffi.C.getpid(), 9)
end
ffi.C.waitpid(child, nil, 0)
memory.lock(locks, 1)
memory.unlock(locks, 1)
memory.lock(locks, 1)
memory.unlock(locks, 1)
print("lock taken over")
