"""Lists its descriptors beyond standard input, output and error, and tries to use them."""
import os
extra = []
for name in os.listdir("/proc/self/fd"):
    if int(name) > 2:
        try:
            extra.append((name, os.readlink(f"/proc/self/fd/{name}")))
        except OSError:
            pass  # the directory's own
kinds = [os.readlink(f"/proc/self/fd/{n}") for n in (0, 1, 2)]
bad = [k for k in kinds if k.startswith("/") and k != "/dev/null"]
print(extra, kinds)
print("ESCAPED" if extra or bad else "CONTAINED")
