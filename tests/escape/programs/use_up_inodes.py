"""Makes N (argument 1) empty files in argument 2."""
import sys
most, made = int(sys.argv[1]), 0
try:
    while made < most:
        open(f"{sys.argv[2]}/inode-{made}", "w").close()
        made += 1
except OSError as error:
    print(error)
print(made, "files")
print("ESCAPED" if made >= most else "CONTAINED")
