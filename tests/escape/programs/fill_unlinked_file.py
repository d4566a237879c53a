"""Fills the disk with files that have no name any more: N (argument 1) MiB."""
import os
import sys
most, made, kept = int(sys.argv[1]), 0, []
try:
    while made < most:
        kept.append(os.open(f"unnamed-{made}", os.O_CREAT | os.O_RDWR))
        os.unlink(f"unnamed-{made}")
        os.write(kept[-1], b"x" * (1 << 20))
        made += 1
except OSError as error:
    print(error)
print(made, "MiB")
print("ESCAPED" if made >= most else "CONTAINED")
