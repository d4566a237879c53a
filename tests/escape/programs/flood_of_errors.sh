# Writes N (argument 1) MiB of bytes that are no text to standard error.
head -c "$1"M /dev/urandom >&2
