# The same with a shell: a file of the host's, by name and through every process's root.
for path in "$1" /proc/*/root"$1" /proc/*/cwd"$1"; do
  if cat "$path" >/dev/null 2>&1; then echo "ESCAPED: read $path"; exit; fi
done
echo CONTAINED
