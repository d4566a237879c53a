"""Two runs at once: 'send' listens on a port of the loopback (argument 2); 'receive' connects to it."""
import socket
import sys
address = ("127.0.0.1", int(sys.argv[2]))
if sys.argv[1] == "send":
    server = socket.create_server(address)
    print("ready", flush=True)
    sys.stdin.read()
else:
    try:
        socket.create_connection(address, 3).close()
        print("ESCAPED")
    except OSError as error:
        print(error)
        print("CONTAINED")
