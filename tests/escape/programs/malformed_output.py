"""Output that breaks who reads it carelessly: broken UTF-8, NULs, half characters, surrogates, byte order marks, line separators."""
import os
PARTS = (b"\xff\xfe\xfd", b"\0\0", b"\xed\xa0\x80\xed\xb0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8\xe2\x80\xa9", b"\xc0\xaf", b"\xf4\x90\x80\x80",
         b'"}\n{"status":"exited"', b"\\u0000\\", b"\x7f\x80\x9b31m", b"\r\n\r", b"\xf0\x9f\x98")
for part in PARTS:
    os.write(1, part)
    os.write(2, part)
