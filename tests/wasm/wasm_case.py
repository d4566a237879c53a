"""What the WebAssembly suites share: guests, a configuration for one run, and what a run must not leave behind."""

import json
import os
import pathlib
import time

from sandpit_tests import SOURCE, Case, worker_state

GUESTS = pathlib.Path(__file__).resolve().parent / "guests"
EXAMPLES = SOURCE / "examples"
PREVIEW1 = "wasi_snapshot_preview1"


class WasmCase(Case):
    def setUp(self):
        super().setUp()
        if worker_state() != "ready":
            self.skipTest(f"the WebAssembly worker, which is {worker_state()} (cargo and rustc 1.95, then cmake again)")

    def guest(self, name):
        """The guest's file in the private directory."""
        source = GUESTS / name if (GUESTS / name).exists() else EXAMPLES / name
        self.write(name, source.read_bytes())
        return name

    def run_guest(self, name, *options, arguments=(), **more):
        return self.outcome(self.guest(name), *options, arguments=[str(word) for word in arguments], **more)

    def invoke(self, name, function, *values, options=(), **more):
        return self.run_guest(name, "--invoke", function, *options, arguments=values, **more)

    def config(self, text, table="runtimes.wasm"):
        """Options that use these settings of [runtimes.wasm]."""
        path = self.write("own.toml", f"[{table}]\n{text}\n")
        return ["--config", str(path)]

    def check(self, name, *options):
        done = self.sandpit("check", "--json", *options, str(name))
        found = json.loads(done.stdout)
        found["exit"] = done.returncode
        return found

    def assert_refused(self, outcome, *words, exit_status=126):
        self.assert_outcome(outcome, status="refused", exit=exit_status, stdout="")
        for word in words:
            self.assertIn(word, outcome["message"])

    def assert_trap(self, outcome, trap):
        self.assert_outcome(outcome, status="trapped", exit=134, exit_code=None)
        self.assertEqual(outcome["wasm"]["trap"], trap, outcome)

    def need_exact_limits(self):
        if os.geteuid() != 0:
            self.skipTest("root: the strict profile and small memory limits need cgroups")

    def ends_within(self, seconds, start):
        began = time.monotonic()
        outcome = start()
        self.assertLess(time.monotonic() - began, seconds, outcome)
        return outcome


def line_of(name, mark):
    """The number of the guest's line that has the mark."""
    for number, line in enumerate((GUESTS / name).read_text().splitlines(), 1):
        if mark in line:
            return number
    raise ValueError(mark)


def marked_lines(name):
    """{trap: line} of the comments ;; TRAPS name."""
    found = {}
    for number, line in enumerate((GUESTS / name).read_text().splitlines(), 1):
        if ";; TRAPS " in line:
            found[line.split(";; TRAPS ")[1].strip()] = number
    return found


def leb(value):
    encoded = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        encoded.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(encoded)


def section(number, *items):
    body = leb(len(items)) + b"".join(items)
    return bytes([number]) + leb(len(body)) + body


def name_of(text):
    return leb(len(text)) + text.encode()


HEADER = b"\0asm\1\0\0\0"


def binary_module(*functions, results=b"", export="_start"):
    """A module, assembled by hand: functions () -> results with these bodies; the first is exported."""
    bodies = [b"\0" + body + b"\x0b" for body in functions]
    return (HEADER + section(1, b"\x60\0" + leb(len(results)) + results) + section(3, *[b"\0"] * len(bodies)) +
            section(7, name_of(export) + b"\0\0") + section(10, *[leb(len(body)) + body for body in bodies]))


def hello_binary():
    """Hello from WebAssembly's counterpart of examples/hello.wat, in bytes."""
    text = b"Hello from bytes\n"
    body = b"\0\x41\1\x41\0\x41\1\x41\x08\x10\0\x1a\x0b"
    data = b"\x10\0\0\0" + leb(len(text)) + b"\0\0\0" + b"\0" * 8 + text
    return (HEADER + section(1, b"\x60\4\x7f\x7f\x7f\x7f\1\x7f", b"\x60\0\0") +
            section(2, name_of(PREVIEW1) + name_of("fd_write") + b"\0\0") + section(3, b"\1") + section(5, b"\0\1") +
            section(7, name_of("memory") + b"\2\0", name_of("_start") + b"\0\1") +
            section(10, leb(len(body)) + body) + section(11, b"\0\x41\0\x0b" + leb(len(data)) + data))
