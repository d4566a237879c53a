"""Makes a file of 200 GB that holds nothing, by truncate and by one byte at its end."""
import os
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
made = []
for what, make in (("truncate", lambda fd: os.truncate(fd, 200 << 30)), ("seek", lambda fd: os.pwrite(fd, b"x", 200 << 30)),
                   ("fallocate", lambda fd: os.posix_fallocate(fd, 200 << 30, 4096))):
    fd = os.open("sparse", os.O_CREAT | os.O_RDWR | os.O_TRUNC)
    try:
        make(fd)
        made.append(what)
    except OSError as error:
        print(what, error)
    os.close(fd)
    os.unlink("sparse")
print(f"ESCAPED: {made}" if made else "CONTAINED")
