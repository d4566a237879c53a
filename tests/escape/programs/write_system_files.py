"""Changes the system that it sees: files, directories, modes, times, links, extended attributes (argument 1: a granted read-only directory)."""
import os
import sys
changed = []
targets = sys.argv[1:] or ["/usr/bin", "/etc", "/", "/lib", "/dev", "/proc"]
for directory in targets:
    for what, change in (
            ("create", lambda: os.close(os.open(directory + "/sandpit-new", os.O_CREAT | os.O_WRONLY | os.O_EXCL))),
            ("mkdir", lambda: os.mkdir(directory + "/sandpit-newdir")),
            ("symlink", lambda: os.symlink("x", directory + "/sandpit-link")),
            ("chmod", lambda: os.chmod(directory, 0o777)),
            ("utime", lambda: os.utime(directory, (1, 1))),
            ("xattr", lambda: os.setxattr(directory, "user.x", b"x"))):
        try:
            change()
            changed.append(what + " " + directory)
        except OSError as error:
            print(what, directory, error)
    for name in sorted(os.listdir(directory))[:20]:
        path = os.path.join(directory, name)
        if not os.path.isfile(path) or name.startswith("sandpit-"):
            continue
        for what, change in (("write", lambda: os.close(os.open(path, os.O_WRONLY))), ("append", lambda: os.close(os.open(path, os.O_WRONLY | os.O_APPEND))),
                             ("chmod", lambda: os.chmod(path, 0o777)), ("rename", lambda: os.rename(path, path + "~"))):
            try:
                change()
                changed.append(what + " " + path)
            except OSError:
                pass
print(f"ESCAPED: {changed}" if changed else "CONTAINED")
