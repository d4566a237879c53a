"""Listens on a port of every address (argument 1), where the host or its network would find it."""
import socket
import sys
try:
    with socket.create_server(("0.0.0.0", int(sys.argv[1]))) as server:
        print("listening", flush=True)
        server.settimeout(3)
        server.accept()
        print("ESCAPED: somebody came")
except OSError as error:
    print(error)
    print("CONTAINED")
