"""Connects to an abstract unix socket of the host (argument: its name)."""
import socket
import sys
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    try:
        socket.socket(socket.AF_UNIX, kind).connect("\0" + sys.argv[1])
        print("ESCAPED: connected")
        sys.exit()
    except OSError as error:
        print(error)
print("CONTAINED")
