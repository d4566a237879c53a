# Reads how busy the host is, with what, and what it is made of.
found=
for file in loadavg stat meminfo diskstats interrupts vmstat cpuinfo partitions swaps slabinfo iomem kallsyms \
    modules buddyinfo pressure/cpu schedstat locks cgroups cmdline version uptime; do
  [ -n "$(head -c 10 /proc/$file 2>/dev/null)" ] && found="$found $file"
done
[ -n "$found" ] && echo "ESCAPED: $found" || echo CONTAINED
