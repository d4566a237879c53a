"""Two runs at once: 'send' notes on a file of /usr how long what is written to it will live; 'receive' reads that note."""
import fcntl
import os
import struct
import sys
F_GET_RW_HINT, F_SET_RW_HINT, SHORT = 1035, 1036, 2
fd = os.open("/usr/bin/true", os.O_RDONLY)
if sys.argv[1] == "send":
    try:
        fcntl.fcntl(fd, F_SET_RW_HINT, struct.pack("Q", SHORT))
        print("ready", flush=True)
        sys.stdin.read()
        fcntl.fcntl(fd, F_SET_RW_HINT, struct.pack("Q", 0))
    except OSError as error:
        print(error, flush=True)
        sys.stdin.read()
else:
    try:
        hint = struct.unpack("Q", fcntl.fcntl(fd, F_GET_RW_HINT, struct.pack("Q", 0)))[0]
    except OSError as error:
        print(error)
        hint = 0
    print("ESCAPED" if hint == SHORT else "CONTAINED")
