# Fills the disk: N (argument 1) MiB at most.
made=0
while [ $made -lt "$1" ] && dd if=/dev/zero of="part-$made" bs=1M count=1 status=none 2>/dev/null; do made=$((made+1)); done
rm -f part-*
echo "$made MiB"
[ $made -ge "$1" ] && echo ESCAPED || echo CONTAINED
