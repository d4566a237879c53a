s = copies("x", 1000000)
do forever
  s = s || s
end
