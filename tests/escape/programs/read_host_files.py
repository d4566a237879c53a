"""Looks at places of the host: arguments are paths that exist outside. Also tries roundabout ways to them."""
import os
import sys
seen = []
for path in sys.argv[1:]:
    for way in (path, "/proc/self/root" + path, "/proc/1/root" + path, "/proc/self/cwd/.." + path, "../../../../../.." + path,
                "/tmp/../.." + path, "//" + path):
        try:
            os.stat(way)
            seen.append(way)
        except OSError:
            pass
print("ESCAPED: sees " + " ".join(seen) if seen else "CONTAINED")
