"""Two runs at once: as channel_flock.py, with a lock on a byte."""
import fcntl
import struct
import sys
file = open("/usr/bin/true", "rb")
if sys.argv[1] == "send":
    fcntl.lockf(file, fcntl.LOCK_SH, 1, 5)
    print("ready", flush=True)
    sys.stdin.read()
else:
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
    kind, _, start, length, pid = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))
    print(kind, start, length, pid)
    print("CONTAINED" if kind == fcntl.F_UNLCK else "ESCAPED")
