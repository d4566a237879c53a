"""Opens a socket of a family that reaches the kernel or the wire (argument 1)."""
import socket
import sys
FAMILIES = {"netlink": (16, socket.SOCK_RAW, 0), "packet": (17, socket.SOCK_RAW, 0x300), "raw": (socket.AF_INET, socket.SOCK_RAW, 1),
            "vsock": (40, socket.SOCK_STREAM, 0), "alg": (38, socket.SOCK_SEQPACKET, 0)}
try:
    socket.socket(*FAMILIES[sys.argv[1]]).close()
    print("ESCAPED")
except OSError as error:
    print(error)
    print("CONTAINED")
