"""Looks a name of the host's own files up (argument 1), as every program does, and one of the world."""
import socket
import sys
found = []
for name in sys.argv[1:]:
    try:
        found.append(socket.getaddrinfo(name, 80)[0][4])
    except OSError as error:
        print(name, error)
print(f"ESCAPED: {found}" if found else "CONTAINED")
