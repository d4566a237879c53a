set encoding utf8
set print "-"
print "Grüße, 世界 🌍"
