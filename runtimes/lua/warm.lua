-- Run before the program is loaded (LUA_INIT); runs are forked at the open of /.sandpit/go.
local function threads()
  local status = io.open("/proc/self/status")
  local count = status and status:read("a"):match("\nThreads:%s*(%d+)")
  if status then status:close() end
  return tonumber(count) or 1
end
local function refuse(name, why)
  io.stderr:write("preload ", name, ": ", (why:gsub("\n.*", "")), "\n")
  os.exit(1, false)
end
for name in (os.getenv("SANDPIT_PRELOAD") or ""):gmatch("[^,]+") do
  local before = threads()
  local ok, problem = pcall(require, name)
  if not ok then refuse(name, tostring(problem)) end
  if threads() > before then refuse(name, "it starts threads, which a fork can't take along") end
end
collectgarbage()
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
