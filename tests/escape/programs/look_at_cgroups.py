"""Looks for cgroup and sysfs trees, and for its own cgroup's path on the host."""
import os
seen = [path for path in ("/sys/fs/cgroup", "/sys/kernel", "/sys/class") if os.path.isdir(path)]
for line in open("/proc/self/cgroup"):
    path = line.rstrip().split(":", 2)[2]
    if path != "/":
        seen.append(path)
print(f"ESCAPED: {seen}" if seen else "CONTAINED")
