"""Reads how large the host's disk is, and how full (argument: its size in blocks, to compare with)."""
import os
import sys
found = [path for path in ("/usr", "/etc", "/", "/lib") if os.path.exists(path) and os.statvfs(path).f_blocks == int(sys.argv[1])]
print(f"ESCAPED: {found}" if found else "CONTAINED")
