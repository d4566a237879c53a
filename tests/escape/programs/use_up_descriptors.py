"""Opens N (argument 1) descriptors."""
import os
import sys
most, kept = int(sys.argv[1]), []
try:
    while len(kept) < most:
        kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    print(error)
print(len(kept), "descriptors")
print("ESCAPED" if len(kept) >= most else "CONTAINED")
