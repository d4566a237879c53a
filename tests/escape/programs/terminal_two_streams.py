"""Asks the terminal of who looks to type an answer, by halves of a sequence on two streams."""
import os
import time
for first, second in ((b"\x1b[", b"6n"), (b"\x1b", b"]0;title\x07"), (b"\x1b[6", b"n")):
    os.write(1, first)
    time.sleep(0.1)
    os.write(2, second)
    time.sleep(0.1)
os.write(1, b"ended\n")
