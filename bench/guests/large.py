#!/usr/bin/env python3
"""Writes a large WebAssembly module, the same bytes for the same size: many functions of arithmetic, loads, stores, loops and calls.

    large.py FILE BYTES        its _start calls a few of the functions and prints "large"
"""

import random
import sys

I32 = 0x7F
LOCALS = 6  # the parameter included
BINARY = (0x6A, 0x6B, 0x6C, 0x71, 0x72, 0x73, 0x74, 0x76, 0x77, 0x78)  # add … rotr: none of them traps
COMPARE = (0x46, 0x47, 0x49, 0x4B)


def unsigned(value):
    out = bytearray()
    while True:
        low, value = value & 0x7F, value >> 7
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def signed(value):
    out = bytearray()
    while True:
        low, value = value & 0x7F, value >> 7
        done = (value == 0 and not low & 0x40) or (value == -1 and low & 0x40)
        out.append(low if done else low | 0x80)
        if done:
            return bytes(out)


def vector(items):
    return unsigned(len(items)) + b"".join(items)


def section(number, body):
    return bytes([number]) + unsigned(len(body)) + body


def constant(value):
    return b"\x41" + signed(value)


class Function:
    """A function of (i32) -> i32. It may call what has a lower index, behind a condition: no recursion, little time."""

    def __init__(self, chance, index, first):
        self.chance, self.index, self.first = chance, index, first

    def local(self):
        return bytes([0x20, self.chance.randrange(LOCALS)])

    def value(self, depth):
        kind = self.chance.randrange(8) if depth else self.chance.randrange(2)
        if kind == 0:
            return constant(self.chance.randrange(-(1 << 20), 1 << 20))
        if kind == 1:
            return self.local()
        if kind == 2:  # a load from the lower half of the first page; stores go to the upper
            return self.value(depth - 1) + constant(0x7FF8) + b"\x71\x28\x02" + unsigned(self.chance.randrange(4) * 4)
        return self.value(depth - 1) + self.value(depth - 1) + bytes([self.chance.choice(BINARY)])

    def statement(self):
        target = bytes([self.chance.randrange(1, LOCALS)])
        kind = self.chance.randrange(10)
        if kind == 0:  # a store
            return constant(0x8000) + self.local() + constant(0x7FF8) + b"\x71\x6a" + self.value(2) + b"\x36\x02\x00"
        if kind == 1:  # if … else
            condition = self.local() + self.value(1) + bytes([self.chance.choice(COMPARE)])
            return (condition + b"\x04\x40" + self.value(2) + b"\x21" + target + b"\x05"
                    + self.value(2) + b"\x21" + target + b"\x0b")
        if kind == 2:  # a loop of a few rounds
            return (constant(3) + b"\x21\x05\x03\x40" + self.value(2) + b"\x21" + bytes([self.chance.randrange(1, 5)])
                    + b"\x20\x05" + constant(1) + b"\x6b\x22\x05\x0d\x00\x0b")
        if kind == 3 and self.index > self.first:  # a call, not taken
            callee = unsigned(self.chance.randrange(self.first, self.index))
            return constant(0) + b"\x28\x02\x00" + b"\x04\x40" + self.value(1) + b"\x10" + callee + b"\x21" + target + b"\x0b"
        return self.value(3) + b"\x21" + target

    def body(self):
        statements = b"".join(self.statement() for _ in range(self.chance.randrange(8, 60)))
        code = vector([unsigned(LOCALS - 1) + bytes([I32])]) + statements + self.local() + b"\x0b"
        return unsigned(len(code)) + code


def module(size):
    chance = random.Random(size)
    first = 1  # behind the import
    bodies, total = [], 0
    while total < size:
        bodies.append(Function(chance, first + len(bodies), first).body())
        total += len(bodies[-1])
    count = len(bodies)
    calls = b"".join(constant(i) + b"\x10" + unsigned(first + i * count // 16) + b"\x1a" for i in range(16))
    start = b"\x00" + calls + constant(1) + constant(16) + constant(1) + constant(32) + b"\x10\x00\x1a\x0b"
    types = [b"\x60" + vector([bytes([I32])] * 4) + vector([bytes([I32])]),
             b"\x60" + vector([bytes([I32])]) + vector([bytes([I32])]), b"\x60\x00\x00"]
    imported = b"\x16wasi_snapshot_preview1" + b"\x08fd_write" + b"\x00\x00"
    data = b"\x00" + constant(16) + b"\x0b" + vector([bytes([b]) for b in (24, 0, 0, 0, 6, 0, 0, 0) + tuple(b"large\n")])
    return b"\0asm\1\0\0\0" + b"".join((
        section(1, vector(types)),
        section(2, vector([imported])),
        section(3, vector([b"\x01"] * count + [b"\x02"])),
        section(5, vector([b"\x00\x01"])),
        section(7, vector([b"\x06memory\x02\x00", b"\x06_start\x00" + unsigned(first + count)])),
        section(10, vector(bodies + [unsigned(len(start)) + start])),
        section(11, vector([data]))))


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as file:
        file.write(module(int(sys.argv[2])))
