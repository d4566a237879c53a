-- Run before the program is loaded (LUA_INIT); runs are forked at the first line.
local file = io.open("/.sandpit/go", "rb")
if not file then return end
local words = file:read("a")
file:close()
local index = 0
for word in words:gmatch("([^\0]*)\0") do
  arg[index] = word
  index = index + 1
end
-- Since 5.4 a state begins with a random seed, which all runs of a template would share.
if _VERSION >= "Lua 5.4" then
  local random = io.open("/dev/urandom", "rb")
  math.randomseed(string.unpack("<i8i8", random:read(16)))
  random:close()
end
