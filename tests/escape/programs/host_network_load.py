"""Reads how many packets the processors of this machine have handled, whosever they were."""
try:
    packets = sum(int(line.split()[0], 16) for line in open("/proc/self/net/softnet_stat"))
except OSError as error:
    print(error)
    packets = 0
print(packets, "packets")
print("ESCAPED" if packets else "CONTAINED")
