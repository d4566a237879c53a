"""Has a descriptor sent to it by a process of the host, which listens on a socket with a path (argument 1)."""
import os
import socket
import sys
try:
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(sys.argv[1])
        _, fds, _, _ = socket.recv_fds(s, 16, 4)
    print("ESCAPED: got", os.read(fds[0], 20))
except OSError as error:
    print(error)
    print("CONTAINED")
