#!/usr/bin/env python3
"""Each language's hello: bare and in the jail, side by side in one interleaved run; compile times, cold and from the cache.

    bench/languages.py --build build/release
    bench/languages.py --build build/release --only python,c --rounds 50

bare is the very command that the jail starts, with the same environment, in a directory of its own. "run" is `sandpit run`
from its start to its end, "library" is Sandbox::run. Medians in milliseconds; docs/bench.md explains the columns.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HELLO = "Hello, World!\n"


def hello_of(name):
    found = sorted((ROOT / "runtimes" / name).glob("hello.*"))
    return next((path for path in found if path.suffix != ".expected"), None)


# What people type, where our compile step does something cleverer than that; None: the file's name.
TYPED = {
    "cpp": ["g++", "-O2", "-std=gnu++20", "-o", "program", None],
    "go": ["go", "build", "-o", "program", None],
    "java": ["javac", "-d", "out", None],
}


class Bare:
    """The steps as the jail would start them, in a directory that stands for the jail's own."""

    def __init__(self, sandpit, source, directory):
        plan = json.loads(subprocess.run([sandpit, "run", "--explain", str(source)], capture_output=True, text=True, check=True).stdout)
        self.directory, self.compile = directory, plan.get("compile")
        warm = [mount["source"] for mount in (self.compile or plan)["mounts"] if mount["target"] == "/warm"]
        self.places = [(plan["work_dir"], str(directory))] + [("/warm", place) for place in warm]
        self.argv, self.environment = self.here(plan["argv"]), self.variables(plan["env"])
        self.source = source
        shutil.copy(source, directory / source.name)

    def here(self, words):
        for inside, outside in self.places:
            words = [word.replace(inside, outside) for word in words]
        return words

    def variables(self, entries):
        return dict(entry.split("=", 1) for entry in self.here(entries))

    def build(self):
        """Milliseconds of the compile step, from nothing but the source."""
        argv, environment = self.here(self.compile["argv"]), self.variables(self.compile["env"])
        typed = TYPED.get(self.compile["runtime"])
        if typed:
            argv = [word or self.source.name for word in typed]
            environment = dict(os.environ)
        for left in self.directory.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        shutil.copy(self.source, self.directory / self.source.name)
        begin = time.perf_counter()
        subprocess.run(argv, cwd=self.directory, env=environment, check=True, capture_output=True)
        took = (time.perf_counter() - begin) * 1e3
        if self.compile["runtime"] == "java":
            self.argv = ["java", "-cp", str(self.directory / "out"), "Hello"]
        return took


def medians(lines):
    samples, failures = {}, []
    for line in lines:
        kind, name, value = line.split("\t", 2)
        if kind == "sample":
            samples.setdefault(name, []).append(int(value) / 1e6)
        else:
            failures.append(f"{name}: {value}")
    return {name: statistics.median(values) for name, values in samples.items()}, failures


def timed(command, **more):
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, **more)
    return (time.perf_counter() - begin) * 1e3


def measure(build, name, rounds):
    sandpit, source = build / "sandpit", hello_of(name)
    expected = source.with_suffix(".expected")
    row = {"name": name}
    subprocess.run([sandpit, "run", str(source)], check=True, capture_output=True)  # makes what is made once
    with tempfile.TemporaryDirectory(prefix="sandpit-bench-") as directory:
        bare = Bare(sandpit, source, pathlib.Path(directory))
        if bare.compile:
            row["bare_compile"] = statistics.median(bare.build() for _ in range(3))
            with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
                config.write("[compile]\ncache = false\n")
                config.flush()
                row["cold"] = statistics.median(timed([sandpit, "run", "--config", config.name, str(source)]) for _ in range(3))
        environment = bare.environment | {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")}
        command = [build / "bench/spawn_bench", "--iterations", str(rounds), "--warmup", "3", "--expect",
                   expected.read_text() if expected.exists() else HELLO,
                   "--case", "bare", *bare.argv, ";;", "--case", "run", sandpit, "run", str(source), ";;",
                   "--module-case", "library", str(source), ";;"]
        done = subprocess.run([str(word) for word in command], cwd=directory, env=environment, capture_output=True, text=True, check=False)
        found, failures = medians(done.stdout.splitlines())
        row |= found
        for failure in failures[:3]:
            print(f"{name}: {failure}", file=sys.stderr)
        if done.returncode:
            print(f"{name}: {done.stderr}", file=sys.stderr)
    outcome = json.loads(subprocess.run([sandpit, "run", "--json", str(source)], capture_output=True, text=True, check=False).stdout)
    row["memory"] = outcome["peak_memory_kb"] / 1024
    return row


COLUMNS = [("language", lambda r: r["name"]), ("bare", lambda r: r.get("bare")), ("run", lambda r: r.get("run")),
           ("library", lambda r: r.get("library")),
           ("library/bare", lambda r: r["library"] / r["bare"] if "library" in r and "bare" in r else None),
           ("library-bare", lambda r: r["library"] - r["bare"] if "library" in r and "bare" in r else None),
           ("compile bare", lambda r: r.get("bare_compile")), ("compile+run cold", lambda r: r.get("cold")),
           ("MiB", lambda r: r.get("memory"))]


def shown(value):
    return value if isinstance(value, str) else "-" if value is None else f"{value:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", type=pathlib.Path)
    parser.add_argument("--only", default="", help="comma-separated languages")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=pathlib.Path, help="write the figures there as well")
    options = parser.parse_args()
    build = options.build.resolve()
    listed = json.loads(subprocess.run([build / "sandpit", "runtimes", "--json"], capture_output=True, text=True, check=True).stdout)
    wanted = set(filter(None, options.only.split(",")))
    names = [one["name"] for one in listed if one["state"] == "ready" and one["engine"] == "jail" and hello_of(one["name"])
             and (not wanted or one["name"] in wanted)]
    print(f"{len(names)} languages, medians of {options.rounds} in ms; load {os.getloadavg()[0]:.1f}")
    print(" | ".join(name for name, _ in COLUMNS))
    rows = []
    for name in names:
        try:
            rows.append(measure(build, name, options.rounds))
        except (subprocess.CalledProcessError, json.JSONDecodeError) as error:
            print(f"{name}: {error} {getattr(error, 'stderr', b'')!r}", file=sys.stderr)
            continue
        print(" | ".join(shown(value(rows[-1])) for _, value in COLUMNS), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if len(rows) == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
