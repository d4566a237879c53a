"""Reads memory, descriptors, environment and files of pid 1 (or of the process in argument 1)."""
import os
import sys
pid = sys.argv[1] if len(sys.argv) > 1 else "1"
got = []
for what in ("mem", "environ", "maps", "auxv", "syscall", "stack", "io"):
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            if what == "mem":
                got.append(what)
            elif file.read(10):
                got.append(what)
    except OSError:
        pass
for what in ("root", "cwd", "exe"):
    try:
        got.append(what + "=" + os.readlink(f"/proc/{pid}/{what}"))
    except OSError:
        pass
for what in ("fd", "map_files", "fdinfo"):
    try:
        if os.listdir(f"/proc/{pid}/{what}"):
            got.append(what)
    except OSError:
        pass
print("ESCAPED: " + " ".join(got) if got else "CONTAINED")
