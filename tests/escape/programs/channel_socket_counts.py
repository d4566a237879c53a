"""Two runs at once: 'send' makes 300 TCP sockets that it never uses; 'receive' reads how many there are on the whole machine, and
compares that with how many there were before (argument 2)."""
import socket
import sys
if sys.argv[1] == "send":
    kept = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(300)]
    print("ready", flush=True)
    sys.stdin.read()
else:
    try:
        words = next(line for line in open("/proc/self/net/sockstat") if line.startswith("TCP:")).split()
        there = int(words[words.index("alloc") + 1])
    except (OSError, StopIteration) as error:
        print(error)
        there = 0
    print(there)
    print("ESCAPED" if there >= int(sys.argv[2]) + 250 else "CONTAINED")
