all = []
all << "x" * (1 << 20) while true
