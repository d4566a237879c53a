"""CVE-2019-5736 (runc): overwrites the program that started it, found through /proc/PID/exe, once that is no longer running.
Writes nothing. Argument: the pid to try; without it, every process that it sees."""
import errno
import os
import sys
found = []
for pid in sys.argv[1:] or ["self", *(name for name in os.listdir("/proc") if name.isdigit())]:
    try:
        handle = os.open(f"/proc/{pid}/exe", os.O_PATH)
        os.close(os.open(f"/proc/self/fd/{handle}", os.O_WRONLY))
        found.append(pid)
    except OSError as error:
        print(pid, error)
        if error.errno == errno.ETXTBSY:  # permitted; it only has to wait until nobody runs it
            found.append(pid)
print(f"ESCAPED: {found}" if found else "CONTAINED")
