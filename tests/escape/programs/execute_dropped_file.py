"""Copies a program to places it can write, and executes it there; also by the loader and through /proc."""
import os
import shutil
import subprocess
import sys
ran = []
for place in ("/work" if os.path.isdir("/work") and os.access("/work", os.W_OK) and "--outside" not in sys.argv else "/tmp", "/tmp", "/dev/shm"):
    path = f"{place}/sandpit-dropped-{os.getpid()}"
    try:
        shutil.copy("/bin/true", path)
        os.chmod(path, 0o755)
    except OSError as error:
        print(place, error)
        continue
    for way in ([path], ["/proc/self/root" + path], ["/lib64/ld-linux-x86-64.so.2", path]):
        try:
            if subprocess.run(way, stderr=subprocess.DEVNULL).returncode == 0:
                ran.append(" ".join(way))
        except OSError as error:
            print(way, error)
    os.unlink(path)
print(f"ESCAPED: ran {ran}" if ran else "CONTAINED")
