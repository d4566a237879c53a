"""Smuggles words out as a name to look up: one UDP packet to a name server (arguments: address and port), and waits for an answer."""
import socket
import sys
query = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\x06secret\x04test\0\0\1\0\1"
try:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(3)
        s.sendto(query, (sys.argv[1], int(sys.argv[2])))
        print("ESCAPED: answered", s.recv(100))
except OSError as error:
    print(error)
    print("CONTAINED")
