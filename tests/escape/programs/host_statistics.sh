# Reads how busy the host is, with what, and what it is made of.
found=
for file in loadavg stat meminfo diskstats interrupts vmstat cpuinfo net/dev net/tcp net/unix partitions swaps slabinfo iomem kallsyms \
    modules buddyinfo pressure/cpu schedstat locks cgroups cmdline version uptime sys/kernel/random/boot_id; do
  [ -n "$(head -c 10 /proc/$file 2>/dev/null)" ] && found="$found $file"
done
# The run's own empty network is its own.
found=$(echo " $found " | sed 's/ net\/[a-z]*//g; s/^ *//; s/ *$//')
[ -n "$found" ] && echo "ESCAPED: $found" || echo CONTAINED
