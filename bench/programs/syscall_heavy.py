# About a second of system calls: open, read, stat, close, pipes, getppid.
import os

total = 0
read_end, write_end = os.pipe()
for _ in range(95_000):
    fd = os.open("/dev/zero", os.O_RDONLY)
    total += len(os.read(fd, 64))
    os.close(fd)
    total += os.stat("/usr/bin").st_nlink > 0
    os.write(write_end, b"x" * 64)
    total += len(os.read(read_end, 64))
    os.getppid()
print(total)
