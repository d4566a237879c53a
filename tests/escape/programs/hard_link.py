"""Makes a hard link in a writable directory (argument 2) to a file of a read-only grant (argument 1), then writes through it."""
import os
import sys
target, place = sys.argv[1:3]
try:
    os.link(target, place + "/hard")
    with open(place + "/hard", "a") as file:
        file.write("changed")
    print("ESCAPED: wrote through the link")
except OSError as error:
    print(error)
    print("CONTAINED")
