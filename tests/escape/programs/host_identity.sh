# Reads what tells this machine from every other.
found=
for file in /etc/machine-id /var/lib/dbus/machine-id /proc/sys/kernel/random/boot_id /sys/class/dmi/id/product_uuid /sys/class/net/lo/address \
    /sys/devices/system/node/online /etc/resolv.conf /etc/fstab; do
  [ -s "$file" ] && cat "$file" >/dev/null 2>&1 && found="$found $file"
done
[ -n "$found" ] && echo "ESCAPED:$found" || echo CONTAINED
