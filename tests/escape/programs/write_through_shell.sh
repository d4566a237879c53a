# Loads a kernel module, changes the clock and the host name, mounts, all with the ordinary tools.
escaped=
(echo x > /proc/sys/kernel/hostname) 2>/dev/null && escaped="$escaped hostname"
(mount -t tmpfs none /tmp) 2>/dev/null && escaped="$escaped mount"
(unshare --user --map-root-user true) 2>/dev/null && escaped="$escaped unshare"
(nsenter --target 1 --mount true) 2>/dev/null && escaped="$escaped nsenter"
(setpriv --reuid 12345 true) 2>/dev/null && escaped="$escaped setpriv"
[ -n "$escaped" ] && echo "ESCAPED:$escaped" || echo CONTAINED
