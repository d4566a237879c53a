local line = string.rep("x", 63)
while true do
  print(line)
end
