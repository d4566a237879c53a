# Climbs out of whatever directories it was left open descriptors of (argument 1: a file of the host).
found=
for fd in /proc/self/fd/* /proc/$$/fd/* /proc/1/fd/*; do
  for up in .. ../.. ../../.. ../../../../../..; do
    cat "$fd/$up$1" >/dev/null 2>&1 && found="$found $fd/$up"
  done
done
[ -n "$found" ] && echo "ESCAPED:$found" || echo CONTAINED
