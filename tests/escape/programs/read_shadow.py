"""Reads the host's password hashes."""
import sys
for path in ("/etc/shadow", "/etc/gshadow"):
    try:
        if open(path).read():
            print("ESCAPED: read", path)
            sys.exit()
    except OSError as error:
        print(path, error)
print("CONTAINED")
