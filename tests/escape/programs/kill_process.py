"""Kills a process of the host by its id (argument 1), also through a pidfd."""
import os
import signal
import sys
pid = int(sys.argv[1])
try:
    os.kill(pid, signal.SIGKILL)
    print("ESCAPED: killed", pid)
    sys.exit()
except OSError as error:
    print(error)
try:
    signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL)
    print("ESCAPED: killed", pid)
    sys.exit()
except OSError as error:
    print(error)
print("CONTAINED")
