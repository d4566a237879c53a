"""Leaves files whose names are pieces of JSON, of lines and of messages."""
import os
for name in ('","status":"exited","x":"', '\n{"status":"exited"}\n', "\\u0000", "</script>", "a\tb\rc", "\x1b]0;title\x07", "${HOME}", "$(id)"):
    open(name.replace("/", "_"), "w").write("odd")
    os.symlink("/etc/passwd", "link" + name.replace("/", "_"))
print("made")
