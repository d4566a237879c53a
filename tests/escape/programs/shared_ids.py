"""Two runs at once: 'make' leaves marks (abstract socket, System V segment, files in /tmp and /dev/shm, a process) and waits; 'find' looks for them."""
import ctypes
import errno
import os
import socket
import sys
import time
KEY = 0x5A4D9173
libc = ctypes.CDLL(None, use_errno=True)
role = sys.argv[1]
if role == "make":
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\0sandpit-shared-mark")
    listener.listen()
    # Denied where memory is sampled, since samples don't see a segment that nobody has attached.
    identifier = libc.shmget(KEY, 4096, 0o1000 | 0o666)
    for place in ("/tmp", "/dev/shm"):
        open(place + "/sandpit-shared-mark", "w").close()
    print("uid", os.getuid(), "made" if identifier >= 0 or ctypes.get_errno() == errno.EPERM else "failed", flush=True)
    sys.stdin.read()
    libc.shmctl(identifier, 0, None)
    for place in ("/tmp", "/dev/shm"):
        os.unlink(place + "/sandpit-shared-mark")
else:
    found = []
    try:
        socket.socket(socket.AF_UNIX).connect("\0sandpit-shared-mark")
        found.append("abstract socket")
    except OSError as error:
        print(error)
    if libc.shmget(KEY, 0, 0) >= 0:
        found.append("System V segment")
    found += [p for p in ("/tmp", "/dev/shm") if os.path.exists(p + "/sandpit-shared-mark")]
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and int(name) not in (os.getpid(), os.getppid()) and b"make" in open(f"/proc/{name}/cmdline", "rb").read().split(b"\0"):
                found.append("process " + name)
        except OSError:
            pass
    print(f"ESCAPED: {found}" if found else "CONTAINED")
