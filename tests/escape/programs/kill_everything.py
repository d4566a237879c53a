"""Kills every process that it may signal, and pid 1 by name. Outside: only asks whether it could (signal 0)."""
import os
import signal
import sys
number = 0 if "--ask" in sys.argv else signal.SIGKILL
reached = []
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) not in (os.getpid(), os.getppid(), 1):
        try:
            os.kill(int(name), number)
            reached.append(name)
        except OSError:
            pass
if number:
    for target in (1, -1):
        try:
            os.kill(target, number)
        except OSError:
            pass
print(f"ESCAPED: reached {len(reached)}" if reached else "CONTAINED")
