"""Asks a cloud's metadata service. With --serve it is that service itself first (outside, in a network namespace of its own)."""
import socket
import sys
import threading
ADDRESS = ("169.254.169.254", 8080 if "--serve" in sys.argv else 80)
if "--serve" in sys.argv:
    import subprocess
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", "169.254.169.254/32", "dev", "lo"], check=True)
    server = socket.create_server(ADDRESS)
    threading.Thread(target=lambda: server.accept()[0].send(b"token"), daemon=True).start()
try:
    with socket.create_connection(ADDRESS, 5) as s:
        print("ESCAPED:", s.recv(100))
except OSError as error:
    print(error)
    print("CONTAINED")
