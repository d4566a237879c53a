"""Opens sockets that reach the kernel or the wire: netlink, packet, raw, vsock, crypto."""
import socket
opened = []
for name, family, kind, protocol in (("netlink", 16, socket.SOCK_RAW, 0), ("packet", 17, socket.SOCK_RAW, 0x300),
                                     ("raw", socket.AF_INET, socket.SOCK_RAW, 1), ("vsock", 40, socket.SOCK_STREAM, 0),
                                     ("alg", 38, socket.SOCK_SEQPACKET, 0)):
    try:
        socket.socket(family, kind, protocol).close()
        opened.append(name)
    except OSError as error:
        print(name, error)
print(f"ESCAPED: {opened}" if opened else "CONTAINED")
