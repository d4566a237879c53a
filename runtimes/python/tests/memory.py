everything = []
while True:
    everything.append(b"x" * (1 << 20))
