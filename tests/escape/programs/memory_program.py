"""Executes a program that exists only in memory (memfd_create, fexecve), and maps executable anonymous memory."""
import mmap
import os
done = []
try:
    fd = os.memfd_create("x", 0)
    os.write(fd, open("/bin/true", "rb").read())
    if os.spawnv(os.P_WAIT, f"/proc/self/fd/{fd}", ["x"]) == 0:
        done.append("memfd")
except OSError as error:
    print("memfd", error)
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    done.append("writable and executable memory")
except OSError as error:
    print("mmap", error)
print(f"ESCAPED: {done}" if done else "CONTAINED")
