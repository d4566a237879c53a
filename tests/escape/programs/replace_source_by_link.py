"""Replaces its own source, in a directory that it may write to (argument 1), by a link to a file of the host (argument 2): who
starts it again reads that."""
import os
import sys
place = sys.argv[1] + "/again.py"
os.unlink(place)
os.symlink(sys.argv[2], place)
print("replaced")
