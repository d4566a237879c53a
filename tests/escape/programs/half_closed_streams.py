"""Gives its output away: a child in a session of its own keeps the streams open, the program ends."""
import os
import time
if os.fork() == 0:
    os.setsid()
    time.sleep(60)
print("gone", flush=True)
os._exit(3)
