"""Opens standard input for writing and standard output for reading, through /proc: a pipe's other end, a caller's file."""
import os
done = []
for fd, mode in ((0, os.O_WRONLY), (0, os.O_RDWR | os.O_TRUNC)):
    try:
        handle = os.open(f"/proc/self/fd/{fd}", mode)
        os.write(handle, b"overwritten")
        if os.readlink(f"/proc/self/fd/{fd}").startswith("/") and not os.readlink(f"/proc/self/fd/{fd}").startswith("/dev/"):
            done.append(fd)
    except OSError as error:
        print(error)
print(f"ESCAPED: wrote through {done}" if done else "CONTAINED")
