"""Reads its table of mounts for a word of the host (argument 1: a name in a path of the host that is not its own)."""
import sys
found = []
for path in ("/proc/self/mountinfo", "/proc/self/mounts", "/proc/self/mountstats"):
    try:
        found += [line for line in open(path) if sys.argv[1] in line]
    except OSError as error:
        print(error)
for line in found:
    print(line, end="")
print("ESCAPED" if found else "CONTAINED")
