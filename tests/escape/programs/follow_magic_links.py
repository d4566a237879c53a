"""Follows every link of /proc (root, cwd, exe, fd, map_files, of every process and thread) in search of a file of the host
(argument 1) by its name, and of any directory that holds it."""
import glob
import os
import stat
import sys
path = sys.argv[1]
found = []
for link in (glob.glob("/proc/[0-9]*/root") + glob.glob("/proc/[0-9]*/cwd") + glob.glob("/proc/[0-9]*/fd/*") + glob.glob("/proc/[0-9]*/exe")
             + glob.glob("/proc/[0-9]*/task/*/cwd") + glob.glob("/proc/[0-9]*/map_files/*") + glob.glob("/proc/thread-self/*")):
    for way in (link + path, link + "/" + os.path.basename(path), link + "/.." + path, link):
        try:
            if not stat.S_ISREG(os.stat(way).st_mode):
                continue  # what is read from somebody's pipe would be missing there
            if os.read(os.open(way, os.O_RDONLY | os.O_NONBLOCK), 64).startswith(b"sandpit-mark"):
                found.append(way)
        except (OSError, ValueError):
            pass
print(f"ESCAPED: {found[:3]}" if found else "CONTAINED")
