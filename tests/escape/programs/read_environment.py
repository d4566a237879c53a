"""Looks for the caller's secret in its own environment and in that of every process."""
import glob
import sys
places = []
for path in glob.glob("/proc/*/environ"):
    try:
        if b"SANDPIT_TEST_SECRET=" in open(path, "rb").read():
            places.append(path)
    except OSError:
        pass
print("ESCAPED: " + " ".join(places) if places else "CONTAINED")
