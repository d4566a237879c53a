"""Writes kernel settings: core_pattern above all (a program that the host's root would run), sysrq, memory, cgroups; or those of its
arguments. Opens only, writes nothing."""
import os
import sys
opened = []
for path in sys.argv[1:] or ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger", "/proc/sys/vm/overcommit_memory",
             "/proc/sys/kernel/hostname", "/sys/kernel/uevent_helper", "/proc/kcore", "/proc/kmsg",
             "/proc/sys/fs/binfmt_misc/register", "/sys/fs/cgroup/cgroup.procs", "/proc/keys", "/proc/timer_list", "/proc/sched_debug"):
    try:
        os.close(os.open(path, os.O_WRONLY if "/kcore" not in path and "/kmsg" not in path and "keys" not in path and "timer" not in path else os.O_RDONLY))
        if "keys" in path and not open(path).read():
            continue
        opened.append(path)
    except OSError as error:
        print(path, error)
print(f"ESCAPED: {opened}" if opened else "CONTAINED")
