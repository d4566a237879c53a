"""Kills a process (argument 1) through a descriptor of it."""
import os
import signal
import sys
try:
    signal.pidfd_send_signal(os.pidfd_open(int(sys.argv[1])), signal.SIGKILL)
    print("ESCAPED")
except OSError as error:
    print(error)
    print("CONTAINED")
