#!/usr/bin/env python3
"""Which system calls, and which files outside of /usr, the programs of each system-call profile's family really use.

  tools/measure_syscalls.py PATH/TO/sandpit [RUNTIME ...]    needs root, strace, and the languages (make languages)

Writes profiles/measured.json, which tools/check_profiles.py compares with what the profiles allow; with RUNTIMEs, only what
these used is measured anew.

What runs: `sandpit runtimes test RUNTIME`, so every conformance program with its own input and arguments, compile steps
included, and `runtimes/RUNTIME/tests/library.EXT` where there is one. strace stands outside of the jail. What counts is what
the filter sees: in the jail's init the calls after it has loaded the filter, and all calls of its descendants. A call that the
filter refuses is in there too: it was asked for.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

SOURCE = pathlib.Path(__file__).resolve().parents[1]
TARGET = SOURCE / "profiles/measured.json"
# strace makes everything slower; what is measured is what is called, not when.
CONFIG = """[resource_limits]
timeout_s = 120
cpu_time_limit_s = 100
compile_time_limit_s = 300
[compile]
cache = false
"""
# The test suite of WebAssembly, which knows files and networks: its cases above know neither.
WASM_SUITES = {"wasm-host": ["Run", "Features", "Files", "Switches", "MemoryLimits", "Library"], "wasm-host-net": ["Network"]}
CALL = re.compile(r"^([a-z_0-9]+)\(")
CHILD = re.compile(r"^(?:clone|clone3|fork|vfork)\(.* = (\d+)(?: /\* (\d+) in strace's PID NS \*/)?")
PROGRAM = re.compile(r'^execve\("([^"]*)".* = 0$')
OPENED = re.compile(r'^(?:open|openat|openat2|execve)\((?:AT_FDCWD, )?"(/[^"]*)".* = \d+')
# /usr and the tool chain's own tree are always there, the volume is the program's: what is left is what a family asks for.
ASKED_FOR = re.compile(r"^(/etc/[^/]+|/proc/self/[^/]+|/proc/[^/]+|/dev/(?!shm)[^/]+|/sys/.*)")


class Process:
    def __init__(self, path):
        self.calls, self.files, self.children, self.program = collections.Counter(), set(), [], None
        self.makes_root, self.filtered, self.after_filter = False, False, collections.Counter()
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                call = CALL.match(line)
                if not call:
                    continue
                name = call.group(1)
                if child := CHILD.match(line):
                    self.children.append(int(child.group(2) or child.group(1)))
                if name == "pivot_root":
                    self.makes_root = True
                if self.filtered:
                    self.after_filter[name] += 1
                elif name == "seccomp" and "SECCOMP_SET_MODE_FILTER" in line:
                    # What went before was done without a filter: the jail's own work, which no program can ask for.
                    self.children, self.filtered = [] if self.makes_root else self.children, True
                    if self.makes_root:
                        continue
                self.calls[name] += 1
                if program := PROGRAM.match(line):
                    self.program = self.program or program.group(1)
                if opened := OPENED.match(line):
                    self.files.add(re.sub(r"/proc/(?:\d+|self)(?:/task/\d+)?", "/proc/self", os.path.normpath(opened.group(1))))

    @property
    def is_init(self):
        return self.makes_root and self.filtered


def processes_of(directory):
    return {int(path.name.rsplit(".", 1)[1]): Process(path) for path in directory.iterdir()}


def families(processes):
    """For each jail: the program it started, init, and the program with its descendants."""
    for process in processes.values():
        if not process.is_init:
            continue
        todo, seen = list(process.children), []
        while todo:
            if (child := processes.get(todo.pop())) is not None:
                seen.append(child)
                todo += child.children
        if seen:
            yield seen[0].program or "", process, seen


class Measurement:
    def __init__(self, sandpit):
        self.sandpit = sandpit
        self.calls = collections.defaultdict(lambda: collections.defaultdict(set))
        self.files = collections.defaultdict(lambda: collections.defaultdict(set))

    def traced(self, argv, cwd):
        with tempfile.TemporaryDirectory(prefix="sandpit-strace-") as logs:
            done = subprocess.run(["strace", "-ff", "-qq", "--pidns-translation", "-s", "4096", "-e", "signal=none", "-o", logs + "/t", *argv],
                                  cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            return done, processes_of(pathlib.Path(logs))

    def runtime(self, name):
        shown = json.loads(subprocess.run([self.sandpit, "runtimes", "show", name, "--json"], stdout=subprocess.PIPE, check=True).stdout)
        if shown["state"] != "ready":
            print(f"{name}: {shown['state']}, not measured", flush=True)
            return False
        profile, compile_profile = shown["syscall_profile"], shown.get("compile_profile") or ""
        with tempfile.TemporaryDirectory(prefix="sandpit-measure-") as work:
            config = pathlib.Path(work) / "config.toml"
            config.write_text(CONFIG)
            done, processes = self.traced([self.sandpit, "runtimes", "test", "--json", "--config", str(config), name], work)
            jails = list(families(processes))
            cases = {case["name"]: case["verdict"] for line in done.stdout.splitlines() for case in json.loads(line)["cases"]}
            if cases.get("hello") != "passed":
                print(f"{name}: hello did not pass under strace: {done.stderr.decode()[-500:]}", flush=True)
                return False
            for program in sorted((SOURCE / "runtimes" / name / "tests").glob("library.*")):
                done, more = self.traced([self.sandpit, "run", "--config", str(config), "--lint", "off", "--processes", "100", "--open-files",
                                          "200", "--runtime", name, str(program)], work)
                if b"done" not in done.stdout:
                    print(f"{name}: {program.name} ended with {done.returncode}: {done.stderr.decode()[-500:]}", flush=True)
                jails += families(more)
            self.lint(name, work)
            if name == "wasm":
                self.wasm(work)
        own = self.own_program(name)
        for started, init, members in jails:
            # A runtime's two steps are told apart by what they start.
            compiles = compile_profile and compile_profile != profile and started != own
            self.add(compile_profile if compiles else profile, name, init, members)
        print(f"{name}: {len(jails)} jails, {sum(v == 'passed' for v in cases.values())} cases passed", flush=True)
        return True

    def wasm(self, work):
        for profile, classes in WASM_SUITES.items():
            done, processes = self.traced(["/usr/bin/python3", str(SOURCE / "tests/wasm/run_tests.py"), self.sandpit, *classes], work)
            print(f"wasm: suite {' '.join(classes)} ended with {done.returncode}", flush=True)
            for _, init, members in families(processes):
                self.add(profile, "wasm", init, members)

    def egress(self):
        """No runtime: the proxies of the test suite's runs."""
        with tempfile.TemporaryDirectory(prefix="sandpit-measure-") as work:
            done, processes = self.traced(["/usr/bin/python3", str(SOURCE / "tests/egress/run_tests.py"), self.sandpit, "Reached", "Denied"], work)
        print(f"egress: its suite ended with {done.returncode}", flush=True)
        for started, init, members in families(processes):
            if started == "/egress-proxy":
                self.add("egress", "egress", init, members)
        return "egress" in self.calls

    def lint(self, name, work):
        """The worker that parses sources locks itself in without a jail."""
        own = SOURCE / "runtimes" / name
        for program in sorted([*own.glob("hello.*"), *own.glob("tests/*.*")]) if (own / "lint").is_dir() else []:
            _, processes = self.traced([self.sandpit, "check", "--runtime", name, str(program)], work)
            for process in processes.values():
                if process.filtered and not process.makes_root:
                    for call in process.after_filter:
                        self.calls["lint-worker"][call].add("lint")

    def own_program(self, name):
        hello = next((SOURCE / "runtimes" / name).glob("hello.*"), None)
        if hello is None:
            return None
        done = subprocess.run([self.sandpit, "run", "--explain", "--runtime", name, str(hello)], stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)["argv"][0]

    def add(self, profile, runtime, init, members):
        for call in init.after_filter:
            self.calls[profile][call].add("init")
        for member in members:
            for call in member.calls:
                self.calls[profile][call].add(runtime)
            for file in member.files:
                if asked := ASKED_FOR.match(file):
                    self.files[profile][asked.group(1)].add(runtime)


def merged(old, new, measured):
    """What was measured earlier of other runtimes stays."""
    result = collections.defaultdict(lambda: collections.defaultdict(set))
    for profile, entries in old.items():
        for entry, runtimes in entries.items():
            result[profile][entry] |= set(runtimes) - measured
    for profile, entries in new.items():
        for entry, runtimes in entries.items():
            result[profile][entry] |= runtimes
    return {profile: {entry: sorted(runtimes) for entry, runtimes in sorted(entries.items()) if runtimes}
            for profile, entries in sorted(result.items())}


def text_of(data):
    """JSON with a line for each call, so that a change is a readable diff."""
    parts = []
    for kind, profiles in data.items():
        blocks = []
        for profile, entries in profiles.items():
            lines = ",\n".join(f"      {json.dumps(entry)}: {json.dumps(runtimes)}" for entry, runtimes in entries.items())
            blocks.append(f"    {json.dumps(profile)}: {{\n{lines}\n    }}")
        parts.append(f"  {json.dumps(kind)}: {{\n" + ",\n".join(blocks) + "\n  }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(sandpit, names):
    if os.geteuid() != 0 or not shutil.which("strace"):
        sys.exit("measure_syscalls: needs root and strace: tools/setup.sh ci")
    known = sorted(tomllib.loads(path.read_text())["id"] for path in (SOURCE / "runtimes").glob("*/runtime.toml")) + ["wasm", "egress"]
    data = json.loads(TARGET.read_text()) if TARGET.exists() else {"calls": {}, "files": {}}
    for name in names or known:
        measurement = Measurement(str(pathlib.Path(sandpit).resolve()))
        if measurement.egress() if name == "egress" else measurement.runtime(name):
            data = {"calls": merged(data["calls"], measurement.calls, {name}), "files": merged(data["files"], measurement.files, {name})}
            TARGET.write_text(text_of(data))
    for profile, calls in data["calls"].items():
        print(f"{profile}: {len(calls)} calls")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
