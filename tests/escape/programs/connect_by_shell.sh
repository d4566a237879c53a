# Connects to a server of the host (argument: its port) with nothing but the shell.
(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && echo ESCAPED || echo CONTAINED
