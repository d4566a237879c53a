"""Kills the first process of its pid namespace, which supervises it, by every signal and in every way. Argument: another pid, one
that dies of it."""
import os
import signal
import sys
import time
pid = int(sys.argv[1]) if len(sys.argv) > 1 else 1
ways = [lambda number: os.kill(pid, number)]
try:
    process = os.pidfd_open(pid)
    ways.append(lambda number: signal.pidfd_send_signal(process, number))
except (OSError, AttributeError) as error:
    print(error)
for number in range(1, signal.SIGRTMAX + 1):
    for way in ways:
        try:
            way(number)
        except OSError:
            pass
time.sleep(0.2)
try:
    os.kill(pid, 0)
except ProcessLookupError:
    print("ESCAPED: it is gone")
    sys.exit()
except PermissionError:
    pass
try:
    with open(f"/proc/{pid}/stat") as file:
        print("ESCAPED: it is dead" if file.read().rsplit(")", 1)[1].split()[0] in "ZX" else "CONTAINED")
except OSError:
    print("CONTAINED")  # not to be seen, and there
