"""Talks to a server on the host's loopback (argument: port), by TCP, UDP and IPv6."""
import socket
import sys
port = int(sys.argv[1])
for family, kind, address in ((socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"), (socket.AF_INET, socket.SOCK_STREAM, "0.0.0.0"),
                              (socket.AF_INET6, socket.SOCK_STREAM, "::1")):
    try:
        with socket.socket(family, kind) as s:
            s.settimeout(5)
            s.connect((address, port))
            print("ESCAPED: connected to", address)
            sys.exit()
    except OSError as error:
        print(address, error)
print("CONTAINED")
