"""Two runs at once: 'send' reads a file that both may read (argument 2); 'receive' sees that in its time of last access."""
import os
import sys
if sys.argv[1] == "send":
    print(len(open(sys.argv[2]).read()), flush=True)
    sys.stdin.read()
else:
    print("ESCAPED" if os.stat(sys.argv[2]).st_atime > 1_000_000_000 else "CONTAINED")
