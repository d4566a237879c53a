"""Looks for a process of the host by a word of its command line (argument 1)."""
import os
import sys
word = sys.argv[1].encode()
found = []
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        try:
            if word in open(f"/proc/{name}/cmdline", "rb").read() and int(name) != os.getppid():
                found.append(name)
        except OSError:
            pass
print(f"ESCAPED: sees {found}" if found else "CONTAINED")
