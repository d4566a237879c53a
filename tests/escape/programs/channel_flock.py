"""Two runs at once: 'send' locks a file of /usr that both see, until its input ends; 'receive' looks whether it is locked."""
import fcntl
import sys
file = open("/usr/bin/true", "rb")
if sys.argv[1] == "send":
    fcntl.flock(file, fcntl.LOCK_EX)
    print("ready", flush=True)
    sys.stdin.read()
else:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        print("CONTAINED")
    except BlockingIOError:
        print("ESCAPED")
