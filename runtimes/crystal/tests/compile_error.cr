a = 1
b = "x"
puts a + b
