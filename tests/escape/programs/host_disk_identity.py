"""Reads the universally unique number of the file system that /usr is on (FS_IOC_GETFSUUID), and the disk's name."""
import fcntl
import os
found = []
for name, request, size in (("number", 0x80111500, 17), ("name", 0x80811501, 129)):
    try:
        if any(fcntl.ioctl(os.open("/usr", os.O_RDONLY), request, b"\0" * size)):
            found.append(name)
    except OSError as error:
        print(name, error)
print(f"ESCAPED: {found}" if found else "CONTAINED")
