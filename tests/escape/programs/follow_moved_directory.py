"""Stands in a directory of a grant (argument 1) while somebody moves that directory out of the grant, then climbs with '..' to a
file of the host (its name is argument 2)."""
import os
import sys
os.chdir(sys.argv[1] + "/moving")
here = os.open(".", os.O_RDONLY)
print("standing", flush=True)
sys.stdin.readline()
found = []
for way in ("../" + sys.argv[2], "../../" + sys.argv[2], "/proc/self/cwd/../" + sys.argv[2]):
    try:
        found.append(open(way).read())
    except OSError as error:
        print(way, error)
try:
    found.append(open(os.open("../" + sys.argv[2], os.O_RDONLY, dir_fd=here)).read())
except OSError as error:
    print(error)
print("ESCAPED" if found else "CONTAINED")
