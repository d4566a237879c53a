# Holds N (argument 1) MiB or more in a variable of the shell.
export LC_ALL=C
kept=$(printf '%1048576s' ' '); made=1
while [ $made -lt "$1" ]; do kept=$kept$kept; made=$((made*2)); done
echo "ESCAPED: holds ${#kept} bytes"
