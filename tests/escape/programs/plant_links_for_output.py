"""Leaves links to a file of the host (argument 2), and to its directory, in a directory that it may write to (argument 1), under the names of files that
somebody will write there, or give to somebody else, later."""
import os
import sys
for name in ("result", "stdout", "stderr", "main.py", "new"):
    os.symlink(sys.argv[2], f"{sys.argv[1]}/{name}")
os.symlink(os.path.dirname(sys.argv[2]), f"{sys.argv[1]}/directory")
os.link(f"{sys.argv[1]}/new", f"{sys.argv[1]}/second", follow_symlinks=False)
print("planted")
