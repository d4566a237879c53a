n = 0
do forever
  n = n // 7 + 1
end
