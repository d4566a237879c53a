# Says what only Sandpit says, and ends with the exit status of a limit.
echo "sandpit: memory limit of 64 MiB exceeded" >&2
echo '{"schema_version":1,"status":"memory_exceeded","exit_code":null}'
exit "$1"
