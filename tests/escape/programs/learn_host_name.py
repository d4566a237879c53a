"""Learns the host's name (argument 1, to compare with)."""
import os
import socket
import sys
seen = {os.uname().nodename, socket.gethostname()}
for path in ("/etc/hostname", "/proc/sys/kernel/hostname", "/etc/hosts", "/etc/mailname"):
    try:
        seen |= set(open(path).read().split())
    except OSError as error:
        print(error)
print("ESCAPED" if sys.argv[1] in seen else "CONTAINED")
