-- A million entries in the compiled table, and lookups in it; for lookups.ts, which gives the folder of the compiled
-- Lua and a file with a block on each line. Each line of output: a name, and nanoseconds.
package.path = arg[1] .. "/?.lua;" .. package.path
local addresses = require("contract.src.policy.address")
local tables = require("contract.src.policy.address-table")

local ROUNDS = 9
local LOOKUPS = 200000

local listed = tables.createAddressTable()
local plain = {}
local ipv4, ipv6 = {}, {}
local began = os.clock()
local id = 0
for line in io.lines(arg[2]) do
  id = id + 1
  local cidr = addresses.parseCidr(line)
  tables.setBlock(listed, cidr, id, 1, 0)
  if cidr.base.family == 4 then ipv4[#ipv4 + 1] = cidr.base else ipv6[#ipv6 + 1] = cidr.base end
  plain[line] = id
end
print("build " .. (os.clock() - began) * 1e9)

-- As many as asked, in an order that no cache foresees; made before the clock starts.
math.randomseed(11)
local function some(from, change)
  local chosen = {}
  for i = 1, LOOKUPS do
    local one = from[math.random(#from)]
    chosen[i] = { family = one.family, a = one.a, b = one.b, c = one.c }
    if change then change(chosen[i]) end
  end
  return chosen
end

local function timed(name, chosen)
  local found = 0
  for i = 1, #chosen do if tables.findBlock(listed, chosen[i], 0) ~= tables.NONE then found = found + 1 end end
  local started = os.clock()
  for i = 1, #chosen do if tables.findBlock(listed, chosen[i], 0) ~= tables.NONE then found = found + 1 end end
  print(name .. " " .. (os.clock() - started) * 1e9 / #chosen .. " " .. found)
end

local lines = {}
for line in io.lines(arg[2]) do
  if math.random(5) == 1 then lines[#lines + 1] = line end
end

for _ = 1, ROUNDS do
  timed("ipv4-listed", some(ipv4))
  timed("ipv4-neighbour", some(ipv4, function(one) one.a = one.a - one.a % 256 + math.random(0, 255) end))
  timed("ipv4-elsewhere", some(ipv4, function(one) one.a = math.random(0, 65535) * 65536 + math.random(0, 65535) end))
  timed("ipv6-listed", some(ipv6))
  timed("ipv6-neighbour", some(ipv6, function(one) one.c = math.random(0, 2 ^ 31) end))
  timed("ipv6-elsewhere", some(ipv6, function(one) one.a = math.random(0, 2 ^ 24) * 2 ^ 24 end))
  local found = 0
  local started = os.clock()
  for i = 1, #lines do if plain[lines[i]] then found = found + 1 end end
  print("table " .. (os.clock() - started) * 1e9 / #lines .. " " .. found)
end
