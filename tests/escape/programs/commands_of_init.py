"""Reads the command line, environment, limits, mounts and descriptors of its parent, which the host started (argument: a secret of it)."""
import os
import sys
found = []
for pid in {1, os.getppid()}:
    for name in ("cmdline", "environ", "maps", "auxv", "mountinfo", "limits", "stack", "syscall", "io"):
        try:
            if sys.argv[1].encode() in open(f"/proc/{pid}/{name}", "rb").read():
                found.append(f"{pid}/{name}")
        except OSError as error:
            print(error)
print(f"ESCAPED: {found}" if found else "CONTAINED")
