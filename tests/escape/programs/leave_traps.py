"""Leaves traps for --out: links to host files, FIFOs, sockets, depth, odd names, unreadable and sparse files, a link swapped during the copy."""
import os
import socket
os.symlink("/etc/shadow", "link-to-shadow")
os.symlink("/etc", "link-to-etc")
os.symlink("..", "link-up")
os.symlink("loop", "loop")
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
os.makedirs("/".join(["d"] * 60))
open("/".join(["d"] * 60) + "/bottom", "w").write("deep")
for name in ("new\nline", "\x1b[31mred\x1b[0m", "-rf", "--help", " ", "..hidden", "a\\b", "%s%n"):
    open(name, "w").write("odd")
open(b"\xff\xfe", "w").write("bytes")
open("secret", "w").write("x")
os.chmod("secret", 0)
open("setuid", "w").write("x")
try:
    os.chmod("setuid", 0o6755)
except PermissionError:
    pass  # the jail's filter; outside, and should it ever fail, the bits are there to be dropped by the copy
os.mkdir("closed")
open("closed/inside", "w").write("x")
os.chmod("closed", 0)
os.link("setuid", "second-name")
open("plain", "w").write("plain")
print("made")
