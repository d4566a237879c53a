line = "x" * 63
puts line while true
