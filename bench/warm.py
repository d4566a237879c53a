#!/usr/bin/env python3
"""Warm starts: hello of each interpreter that has templates, bare, warm and cold in turn; throughput, load, memory, long programs, a soak.

    bench/warm.py --build build/release [--only python,ruby] [--rounds 300] [--seconds 3] [--soak 100000]

bare is the interpreter with the same program, by posix_spawn; warm (forked ahead), forked (when it is asked for) and cold are
Sandbox::run of the library, its socket and launcher included; run is `sandpit run`. Milliseconds. docs/bench.md explains the columns.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays clean
import surroundings  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
HELLO = {
    "python": ("main.py", "print('hello')", ["/usr/bin/python3"]),
    "javascript": ("main.js", "console.log('hello')", ["node"]),
    "ruby": ("main.rb", "puts 'hello'", ["ruby"]),
    "php": ("main.php", "<?php echo 'hello';", ["php"]),
    "perl": ("main.pl", "print 'hello';", ["perl"]),
    "lua": ("main.lua", "print('hello')", ["lua5.4"]),
    "java": ("Main.java", "public class Main { public static void main(String[] a) { System.out.println(\"hello\"); } }", ["java"]),
}
# How java is started in the jail (runtimes/java/runtime.toml): with its own defaults the bare one takes longer.
JAVA = ["-Xmx192m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-cp"]
# About a second each: calls, containers, strings, floating point.
LONG = {
    "python": "def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nd = {}\nfor i in range(600000): d[i % 1000] = d.get(i % 1000, 0) + i * 0.5\nprint(f(27), len(d))",
    "javascript": "const f = n => n < 2 ? n : f(n - 1) + f(n - 2); const m = new Map(); for (let i = 0; i < 6e6; i++) m.set(i % 1000, (m.get(i % 1000) || 0) + i * 0.5);\n"
                  "let s = 0; const a = []; for (let i = 0; i < 3e6; i++) { a.push({ v: i }); if (a.length > 1000) s += a.splice(0, 500).length } console.log(f(36), m.size, s)",
    "ruby": "def f(n) = n < 2 ? n : f(n - 1) + f(n - 2)\nd = Hash.new(0)\n1500000.times { |i| d[i % 1000] += i * 0.5 }\nputs f(29), d.size",
    "php": "<?php function f($n) { return $n < 2 ? $n : f($n - 1) + f($n - 2); } $d = []; for ($i = 0; $i < 8000000; $i++) $d[$i % 1000] = ($d[$i % 1000] ?? 0) + $i * 0.5; echo f(30), count($d);",
    "perl": "sub f { my $n = shift; $n < 2 ? $n : f($n - 1) + f($n - 2) } my %d; $d{$_ % 1000} += $_ * 0.5 for 1 .. 2000000; print f(23), scalar keys %d;",
    "java": "import java.util.*; public class Main { static int f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); } public static void main(String[] a) {\n"
            "HashMap<Integer, Double> d = new HashMap<>(); for (int i = 0; i < 20000000; i++) d.merge(i % 1000, i * 0.5, Double::sum);\n"
            "System.out.println(f(41) + \" \" + d.size()); } }",
    "lua": "local function f(n) if n < 2 then return n end return f(n - 1) + f(n - 2) end\nlocal d = {}\nfor i = 1, 6000000 do d[i % 1000] = (d[i % 1000] or 0) + i * 0.5 end\nprint(f(32))",
}
IMPORTS = {"numpy": "import numpy; print(numpy.arange(3).sum())", "pandas": "import pandas; print(pandas.Series([1, 2]).sum())"}


# Two seconds, for the memory of a run that goes on.
SLEEPERS = {
    "python": "import time; time.sleep(2)", "javascript": "setTimeout(() => {}, 2000)", "ruby": "sleep 2", "php": "<?php sleep(2);",
    "perl": "sleep 2", "lua": "local t = os.time() while os.time() - t < 3 do end",
    "java": "public class Main { public static void main(String[] a) throws Exception { Thread.sleep(2000); } }",
}
COLUMNS = ("bare", "warm", "forked", "run", "cold")
# What a soak may move by itself, between its first and its last fifth.
SLACK = {"KiB of the launcher": 512, "descriptors": 8, "processes": 2, "cgroups": 2}


def measured(program, *words):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False, env=surroundings.environment())
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    failures = [row[1] for row in rows if row[0] == "failure"]
    if failures or done.returncode != 0:
        sys.exit(f"warm_bench {' '.join(map(str, words))}: {failures or done.stderr}")
    return rows


def part(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] / 1e6


def bare_command(file, command):
    if file.suffix != ".java":
        return [*command, file]
    subprocess.run(["javac", "-d", file.parent / "classes", file], check=True)
    return [*command, *JAVA, file.parent / "classes", "Main"]


def latencies(program, file, command, rounds, preload="-"):
    columns = {name: [] for name in COLUMNS}
    sandpit = pathlib.Path(program).resolve().parent.parent / "sandpit"
    for _, what, nanoseconds in measured(program, "latency", file, rounds, preload, sandpit, *bare_command(file, command)):
        columns[what].append(int(nanoseconds))
    return {name: values for name, values in columns.items() if values}


def middle(columns, what):
    return part(columns[what], 0.5) if what in columns else None


def cell(value, width=8):
    return f"{'-':>{width}}" if value is None else f"{value:{width}.2f}"


def hello(program, name, file, command, given):
    columns = latencies(program, file, command, given.rounds)
    bare, warm, forked, run, cold = (middle(columns, what) for what in COLUMNS)
    rates, best = [], 0
    for _, _, runs, cold_runs, nanoseconds in measured(program, "throughput", file, given.seconds):
        rate = int(runs) / int(nanoseconds) * 1e9
        best = max(best, rate)
        rates.append(f"{rate:.0f}" + (f" ({cold_runs} cold)" if int(cold_runs) else ""))
    row = [bare, warm, part(columns["warm"], 0.99), part(columns["warm"], 0.999), forked, run, cold]
    print(f"{name:12}{''.join(map(cell, row))}{warm / bare:11.2f}{cold / bare:11.2f}   {', '.join(rates)}", flush=True)
    return best


def under_load(program, name, file, given, best):
    rate = max(1, int(best / 2))
    times = [int(row[1]) for row in measured(program, "load", file, given.seconds, rate)]
    sleeper = file.parent / "sleeper" / file.name
    sleeper.parent.mkdir(exist_ok=True)
    sleeper.write_text(SLEEPERS[name])
    _, templates, pss, peak, added = measured(program, "memory", file, 20, sleeper)[0]
    print(f"{'':12}at {rate}/s: p50 {part(times, 0.5):.2f}, p99 {part(times, 0.99):.2f}, p99.9 {part(times, 0.999):.2f};"
          f" PSS: a template {int(pss) / int(templates) / 2**20:.1f} MiB, a run beside it {int(added) / 2**20:.1f};"
          f" a run is charged {int(peak) / 2**20:.1f}", flush=True)


def long_program(program, name, file, command):
    file.write_text(LONG[name])
    columns = latencies(program, file, command, 7)
    bare, warm, cold = (middle(columns, what) for what in ("bare", "warm", "cold"))
    print(f"{'':12}a long program: bare {bare:.0f}, warm {warm:.0f} ({warm / bare:.3f}), cold {cold:.0f} ({cold / bare:.3f})", flush=True)


def soak(program, file, runs):
    """Answers whether something grew."""
    first = last = None
    for _, done, *values in measured(program, "soak", file, runs):
        last = dict(zip(SLACK, map(int, values)))
        first = first or last
        print(f"{'':12}after {int(done):9,} runs: {', '.join(f'{value:,} {what}' for what, value in last.items())}", flush=True)
    grown = [what for what, slack in SLACK.items() if last[what] - first[what] > slack]
    print(f"{'':12}{'GROWS: ' + ', '.join(grown) if grown else 'nothing grows'}", flush=True)
    return bool(grown)


def imports(program, directory):
    for name, text in IMPORTS.items():
        if subprocess.run(["/usr/bin/python3", "-c", f"import {name}"], capture_output=True, check=False).returncode != 0:
            print(f"import {name}: not installed (apt-get install -y python3-{name})")
            continue
        file = pathlib.Path(directory) / "main.py"
        file.write_text(text)
        columns = latencies(program, file, ["/usr/bin/python3"], 20, name)
        print(f"import {name:12}" + ", ".join(f"{what} {part(columns[what], 0.5):.1f}" for what in columns), flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", default=str(ROOT / "build/release"))
    options.add_argument("--only", default=",".join(HELLO))
    options.add_argument("--rounds", type=int, default=300)
    options.add_argument("--seconds", type=int, default=3)
    options.add_argument("--soak", type=int, default=0)
    options.add_argument("--brief", action="store_true", help="latency and throughput only")
    given = options.parse_args()
    program = f"{given.build}/bench/warm_bench"
    grown = False
    print(f"{'':12}{'bare':>8}{'warm':>8}{'p99':>8}{'p99.9':>8}{'forked':>8}{'run':>8}{'cold':>8}{'warm/bare':>11}{'cold/bare':>11}   runs/s with 1, 2, 4, 8, 16 in flight")
    with tempfile.TemporaryDirectory() as directory:
        for name in given.only.split(","):
            source, text, command = HELLO[name]
            if not shutil.which(command[0]):
                print(f"{name:12}not installed: {command[0]}")
                continue
            command = [shutil.which(command[0])]
            file = pathlib.Path(directory) / source
            file.write_text(text)
            best = hello(program, name, file, command, given)
            if not given.brief:
                under_load(program, name, file, given, best)
                long_program(program, name, file, command)
                file.write_text(text)
            if given.soak:
                grown |= soak(program, file, given.soak)
        if not given.brief and "python" in given.only.split(","):
            imports(program, directory)
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
