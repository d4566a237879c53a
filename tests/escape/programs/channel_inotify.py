"""Two runs at once: 'send' opens a file of /usr over and over until its input ends; 'receive' watches that file."""
import ctypes
import os
import select
import sys
import threading
import time
PATH = b"/usr/bin/true"
if sys.argv[1] == "send":
    ended = []
    print("ready", flush=True)
    threading.Thread(target=lambda: ended.append(sys.stdin.read()), daemon=True).start()
    while not ended:
        os.close(os.open(PATH, os.O_RDONLY))
        time.sleep(0.01)
else:
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init()
    if fd < 0 or libc.inotify_add_watch(fd, PATH, 0x20) < 0:
        print(os.strerror(ctypes.get_errno()))
        print("CONTAINED")
    else:
        print("ESCAPED" if select.select([fd], [], [], 3)[0] else "CONTAINED")
