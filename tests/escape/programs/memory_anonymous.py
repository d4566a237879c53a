"""Holds N (argument 1) MiB of ordinary memory."""
import sys
kept = [bytearray(b"x") * (1 << 20) for _ in range(int(sys.argv[1]))]
print("ESCAPED: holds", len(kept), "MiB")
