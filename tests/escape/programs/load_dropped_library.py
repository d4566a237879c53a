"""Copies a library to places that it can write to, and loads it from there into itself: its code would run."""
import ctypes
import os
import shutil
import sys
source = next(line.split()[-1] for line in open("/proc/self/maps") if "/libc.so" in line or "/libc-" in line)
loaded = []
for place in (".", "/tmp", "/dev/shm"):
    path = os.path.abspath(f"{place}/dropped-{os.getpid()}.so")
    try:
        shutil.copy(source, path)
        ctypes.CDLL(path)
        loaded.append(path)
    except OSError as error:
        print(error)
    if os.path.exists(path):
        os.unlink(path)
print(f"ESCAPED: {loaded}" if loaded else "CONTAINED")
