f = fn f -> f.(f) end
f.(f)
