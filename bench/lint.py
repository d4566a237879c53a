#!/usr/bin/python3
"""What lint costs: medians for 1,000 ordinary lines of Python with one finding, in the worker and of a whole `sandpit check`.

    bench/lint.py [BUILD_DIRECTORY] [ROUNDS]
"""

import argparse
import pathlib
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES = 1000
CLASS = '''\
class Account{0}:
    """Account number {0}."""
    def __init__(self, name, balance=0):
        self.name = name
        self.balance = balance
        self.items = {{"a": 1, "b": [x * 2 for x in range(10) if x % 2]}}

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError(f"bad amount {{amount!r}}")
        for key, value in sorted(self.items.items()):
            print(key, value, sep=", ")
        self.balance += amount
        return self.balance

'''


def program():
    text = "".join(CLASS.format(number) for number in range(LINES // CLASS.count("\n") + 1))
    return "".join(text.splitlines(keepends=True)[:LINES - 2])


def median_of(command, rounds):
    times = []
    for _ in range(rounds):
        time.sleep(0.005)
        begin = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(times)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build", nargs="?", default=ROOT / "build/release", type=pathlib.Path)
    options.add_argument("rounds", nargs="?", default=50, type=int)
    options = options.parse_args()
    build, rounds = options.build.resolve(), options.rounds
    with tempfile.TemporaryDirectory() as directory:
        plain = pathlib.Path(directory) / "plain.py"
        found = pathlib.Path(directory) / "found.py"
        plain.write_text(program() + "\n\n")
        found.write_text(program() + "import socket\nsocket.socket()\n")
        subprocess.run([build / "bench/lint_bench", build / "libexec/sandpit/lint-worker", ROOT / "runtimes/python", found,
                        str(rounds)], check=True)
        for name, path in (("without any rule's name", plain), ("with a finding", found)):
            print(f"{'sandpit check, ' + name:<58} {median_of([build / 'sandpit', 'check', path], rounds):>9.0f} µs")


if __name__ == "__main__":
    main()
