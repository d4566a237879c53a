"""Looks for capabilities in every set, root's id, supplementary groups, a missing no_new_privs or seccomp filter."""
import os
fields = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
bad = [name for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(fields[name], 16)]
if fields["NoNewPrivs"] != "1":
    bad.append("NoNewPrivs")
if fields["Seccomp"] != "2":
    bad.append("Seccomp")
if 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()) or 0 in os.getgroups():
    bad.append("root")
if fields["Groups"].split() not in ([], ["1000"], ["65534"]):
    bad.append("Groups " + fields["Groups"])
if os.getsid(0) == 0:
    bad.append("session")
print(f"ESCAPED: {bad}" if bad else "CONTAINED")
