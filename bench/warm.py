#!/usr/bin/env python3
"""Warm starts: hello of each interpreter that has templates, bare, warm and cold in turn; throughput; a soak.

    bench/warm.py --build build/release [--only python,ruby] [--rounds 300] [--seconds 3] [--soak 100000]

bare is the interpreter with the same program, by posix_spawn; warm and cold are Sandbox::run of the library, its socket and launcher
included. Milliseconds. docs/bench.md explains the columns.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = {
    "python": ("main.py", "print('hello')", ["/usr/bin/python3"]),
    "javascript": ("main.js", "console.log('hello')", ["node"]),
    "ruby": ("main.rb", "puts 'hello'", ["ruby"]),
    "php": ("main.php", "<?php echo 'hello';", ["php"]),
    "perl": ("main.pl", "print 'hello';", ["perl"]),
    "lua": ("main.lua", "print('hello')", ["lua5.4"]),
}


def measured(program, *words):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    failures = [row[1] for row in rows if row[0] == "failure"]
    if failures or done.returncode != 0:
        sys.exit(f"warm_bench {' '.join(map(str, words))}: {failures or done.stderr}")
    return rows


def part(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] / 1e6


def latencies(program, file, command, rounds):
    columns = {"bare": [], "warm": [], "cold": []}
    for _, what, nanoseconds in measured(program, "latency", file, rounds, "--", *command, file):
        columns[what].append(int(nanoseconds))
    return columns


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", default=str(ROOT / "build/release"))
    options.add_argument("--only", default=",".join(PROGRAMS))
    options.add_argument("--rounds", type=int, default=300)
    options.add_argument("--seconds", type=int, default=3)
    options.add_argument("--soak", type=int, default=0)
    given = options.parse_args()
    program = f"{given.build}/bench/warm_bench"
    print(f"{'':12}{'bare':>8}{'warm':>8}{'p99':>8}{'p99.9':>8}{'cold':>8}{'warm/bare':>11}{'cold/bare':>11}   runs/s with 1, 2, 4, 8, 16 in flight")
    for name in given.only.split(","):
        source, text, command = PROGRAMS[name]
        if not shutil.which(command[0]):
            print(f"{name:12}not installed: {command[0]}")
            continue
        command = [shutil.which(command[0])]
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / source
            file.write_text(text)
            columns = latencies(program, file, command, given.rounds)
            bare, warm, cold = (part(columns[what], 0.5) for what in ("bare", "warm", "cold"))
            rates = []
            for _, _, runs, cold_runs, nanoseconds in measured(program, "throughput", file, given.seconds):
                rates.append(f"{int(runs) / int(nanoseconds) * 1e9:.0f}" + (f" ({cold_runs} cold)" if int(cold_runs) else ""))
            print(f"{name:12}{bare:8.2f}{warm:8.2f}{part(columns['warm'], 0.99):8.2f}{part(columns['warm'], 0.999):8.2f}{cold:8.2f}"
                  f"{warm / bare:11.2f}{cold / bare:11.2f}   {', '.join(rates)}", flush=True)
            if given.soak:
                for _, runs, resident, descriptors in measured(program, "soak", file, given.soak):
                    print(f"{'':12}after {int(runs):7,} runs the launcher has {int(resident):,} KiB and {descriptors} descriptors", flush=True)


if __name__ == "__main__":
    main()
