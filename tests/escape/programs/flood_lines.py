"""Writes N (argument 1) MiB in short lines."""
import os
import sys
block = b"a line\n" * 9362
for _ in range(16 * int(sys.argv[1])):
    os.write(1, block)
