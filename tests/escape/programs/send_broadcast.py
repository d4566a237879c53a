"""Speaks to everybody in the host's network: a broadcast and a multicast packet."""
import socket
sent = []
for address in ("255.255.255.255", "224.0.0.251", "127.255.255.255"):
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            s.sendto(b"hello", (address, 9))
        sent.append(address)
    except OSError as error:
        print(address, error)
print(f"ESCAPED: {sent}" if sent else "CONTAINED")
