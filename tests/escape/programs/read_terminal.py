"""Opens the caller's terminal and types into it (TIOCSTI)."""
import fcntl
import os
import sys
import termios
opened = []
for path in ("/dev/tty", "/dev/console", "/dev/ptmx", "/dev/tty0"):
    try:
        os.open(path, os.O_RDWR | os.O_NOCTTY)
        opened.append(path)
    except OSError as error:
        print(path, error)
for fd in (0, 1, 2):
    if os.isatty(fd):
        opened.append(f"descriptor {fd}")
    try:
        fcntl.ioctl(fd, termios.TIOCSTI, b"x")
        opened.append(f"TIOCSTI {fd}")
    except OSError as error:
        print("TIOCSTI", error)
print(f"ESCAPED: {opened}" if opened else "CONTAINED")
