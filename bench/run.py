#!/usr/bin/env python3
"""Prints the benchmark: contenders side by side, the library alone, growth, long runs. docs/bench.md explains each table.

    bench/run.py --build build/release
    bench/run.py --build build/release --quick --only true,library,growth

Ends with 1 when a contender of ours failed a run or something grew; no time is ever asserted.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays clean
import contenders as field_of  # noqa: E402
import report  # noqa: E402
import surroundings  # noqa: E402
import wasm  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
TRUE = ["/bin/true"]
HELLO = [PYTHON, "-c", 'print("hi")']
GROUPS = ("true", "python", "library", "host", "growth", "long", "wasm")
IDLE_MS = 200


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="build directory (default build/release)")
    parser.add_argument("--only", default=",".join(GROUPS), help=f"comma-separated groups of: {', '.join(GROUPS)}")
    parser.add_argument("--quick", action="store_true", help="few runs: to see that it works, not to quote")
    parser.add_argument("--no-idle", action="store_true", help="leave out the runs with idleness between them")
    parser.add_argument("--no-setup", action="store_true", help="don't try to install peers")
    parser.add_argument("--leave-out", default="", help="comma-separated contenders to leave out")
    parser.add_argument("--iterations", type=int, help="rounds, back to back (300; quick 20)")
    parser.add_argument("--idle-iterations", type=int, help="rounds with idleness (50; quick 5)")
    parser.add_argument("--growth-runs", type=int, help="runs through the library (10000; quick 500)")
    parser.add_argument("--growth-command-runs", type=int, help="runs of the command line (1000; quick 50)")
    parser.add_argument("--long-iterations", type=int, help="rounds of the long programs (9; quick 3)")
    parser.add_argument("--wasm-runs", type=int, help="warm runs of a module (10000; quick 1000)")
    parser.add_argument("--large-iterations", type=int, help="rounds of the large modules, compiled (5; quick 1)")
    parser.add_argument("--allow-degraded", default="", help="words of allow_degraded for the library's runs")
    options = parser.parse_args()
    usual, quick = (300, 50, 10000, 1000, 9, 10000, 5), (20, 5, 500, 50, 3, 1000, 1)
    names = ("iterations", "idle_iterations", "growth_runs", "growth_command_runs", "long_iterations",
             "wasm_runs", "large_iterations")
    for name, value in zip(names, quick if options.quick else usual):
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.only = options.only.split(",")
    for group in options.only:
        if group not in GROUPS:
            parser.error(f"--only {group}: no such group; there are {', '.join(GROUPS)}")
    return options


def case_words(contender):
    if contender.module:
        return ["--module-case", contender.name, *contender.argv, ";;"]
    if contender.library:
        return ["--library-case", contender.name, *contender.argv, ";;"]
    namespace = [f"@{contender.mount_namespace}"] if contender.mount_namespace else []
    return ["--case", contender.name, *namespace, *contender.argv, ";;"]


class Bench:
    def __init__(self, options, scratch, namespace):
        self.options = options
        self.build = pathlib.Path(options.build).resolve()
        self.scratch = pathlib.Path(scratch)
        self.field = field_of.Field(self.build, scratch, namespace)
        self.output = self.build.parent / "bench"
        self.output.mkdir(parents=True, exist_ok=True)
        # No project's sandbox.toml is found from here.
        self.directory = self.scratch / "empty"
        self.directory.mkdir()
        self.results = {}
        self.problems = []

    def measure(self, name, program, words, environment=None):
        """Runs a measuring program and returns its parsed lines; they are kept in build/bench/NAME.tsv."""
        command = [str(self.build / "bench" / program), *words]
        if self.options.allow_degraded:
            command += ["--allow-degraded", self.options.allow_degraded]
        done = subprocess.run(command, cwd=self.directory, stdout=subprocess.PIPE, text=True, check=False,
                              env={**surroundings.environment(), **(environment or {})})
        (self.output / f"{name}.tsv").write_text(done.stdout)
        rows = report.parse(done.stdout.splitlines())
        if done.returncode != 0:
            rows["failure"].append([program, f"ended with {done.returncode}"])
            self.problems.append(f"{program} ended with {done.returncode}")
        return rows

    def title(self, text):
        print(f"\n{text}\n", flush=True)

    def latency(self, name, command, expected, iterations, *, who=None, idle_ms=0, extra=()):
        chosen = [c for c in self.field.contenders(command)
                  if who is None or c.name in who]
        self.latency_of(name, chosen, expected, iterations, idle_ms=idle_ms, extra=extra)

    def latency_of(self, name, chosen, expected, iterations, *, idle_ms=0, extra=(), environment=None):
        chosen = [c for c in chosen if c.name not in self.options.leave_out.split(",")]
        cases = [word for c in chosen if not c.absent for word in case_words(c)]
        words = ["--iterations", str(iterations), "--idle-ms", str(idle_ms), "--expect", expected, *extra]
        results = report.summarise(chosen, self.measure(name, "spawn_bench", [*words, *cases], environment))
        self.results[name] = results
        self.problems += [f"{name}: {r['name']}: {r['failed']}" for r in results if r["kind"] == "ours" and "failed" in r]
        self.problems += [f"{name}: {r['name']}: {r['absent']}" for r in results if r["kind"] == "ours" and "absent" in r]
        print(report.latency_table(results), flush=True)

    def start_up(self, name, label, command, expected):
        self.title(f"{label}, back to back ({self.options.iterations} rounds)")
        self.latency(name, command, expected, self.options.iterations)
        if not self.options.no_idle:
            rounds = self.options.idle_iterations
            self.title(f"{label}, {IDLE_MS} ms of idleness before each run ({rounds} rounds)")
            self.latency(f"{name}-idle", command, expected, rounds, idle_ms=IDLE_MS)

    def host(self):
        rounds = self.options.iterations
        for name, size, words in (("host-small", "a small host program", []),
                                  ("host-large", "a host program with 1 GB resident and 50 threads",
                                   ["--resident-mib", "1024", "--threads", "50"])):
            self.title(f"/bin/true from {size} ({rounds} rounds)")
            self.latency(name, TRUE, "", rounds, who=("bare", "sandpit library"), extra=words)

    def long(self):
        rounds = self.options.long_iterations
        for program in ("cpu_bound", "syscall_heavy"):
            text = (HERE / "programs" / f"{program}.py").read_text()
            command = [PYTHON, "-c", text]
            expected = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            self.title(f"{program}.py, about a second ({rounds} rounds)")
            self.latency(f"long-{program}", command, expected, rounds, extra=["--warmup", "1"],
                         who=("bare", "sandpit exec", "sandpit library"))

    def library(self):
        seconds = "1" if self.options.quick else "3"
        throughput = self.measure("throughput-true", "library_bench", self._library("throughput", "true", TRUE, seconds=seconds))
        hello = self.measure("throughput-python", "library_bench",
                             self._library("throughput", "python", HELLO, seconds=seconds, expect="hi\n"))
        results = report.throughput_results(throughput) + report.throughput_results(hello)
        self.title("Runs per second through the library")
        print(report.throughput_table(results))
        self.show_failures(throughput, hello)

        sleepers = [["/bin/sleep", "60"], [PYTHON, "-c", "import time; time.sleep(60)"]]
        memory = self.measure("memory", "library_bench", [
            "memory", *(word for name, argv in zip(("sleep", "python"), sleepers)
                        for word in ("--library-case", name, *argv, ";;"))])
        self.title("Memory with sleeping sandboxes")
        memory_results = report.memory_results(memory)
        print(report.memory_table(memory_results))
        self.show_failures(memory)

        rounds = str(self.options.iterations)
        parts = self.measure("breakdown", "library_bench", self._library("breakdown", "true", TRUE, iterations=rounds))
        self.title("Where a run through the library spends its time")
        parts_results = report.parts_results(parts)
        print(report.parts_table(parts_results), flush=True)
        self.show_failures(parts)
        self.results |= {"throughput": results, "memory": memory_results, "breakdown": parts_results}

    @staticmethod
    def _library(mode, name, argv, **options):
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        return [mode, *words, "--library-case", name, *argv, ";;"]

    def show_failures(self, *tables):
        for rows in tables:
            for line in report.failure_lines(rows):
                print(line, flush=True)
                self.problems.append(line)

    def growth(self):
        for name, runs, case in (
                ("growth-library", self.options.growth_runs, ["--library-case", "library", *TRUE, ";;"]),
                ("growth-command", self.options.growth_command_runs,
                 ["--case", "command line", str(self.build / "sandpit"), "exec", "--quiet", "--", *TRUE, ";;"])):
            self.growth_of(name, f"{runs} runs through the {case[1]}", ["--runs", str(runs), *case])

    def growth_of(self, name, label, words, environment=None):
        rows = self.measure(name, "growth_bench", words, environment)
        results = report.growth_results(rows)
        self.results[name] = results
        self.title(f"Growth over {label}")
        print(report.growth_table(results))
        for who, succeeded, failed, nanoseconds in rows["runs"]:
            print(f"{who}: {succeeded} runs succeeded, {failed} failed, {int(nanoseconds) / 1e9:.1f} s")
        self.show_failures(rows)
        self.problems += [f"{r['name']}: {r['what']}: {r['verdict']}" for r in results if r["verdict"]]

    def run(self):
        groups = self.options.only
        if "true" in groups:
            self.start_up("true", "/bin/true", TRUE, "")
        if "python" in groups:
            self.start_up("python", "Python hello", HELLO, "hi\n")
        if "host" in groups:
            self.host()
        if "library" in groups:
            self.library()
        if "long" in groups:
            self.long()
        if "growth" in groups:
            self.growth()
        if "wasm" in groups:
            wasm.Wasm(self).run()


def describe_machine():
    load = os.getloadavg()
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"kernel": platform.release(), "cpu": model, "cores": os.cpu_count(), "uid": os.geteuid(), "load_before": load}


def remove_leftovers(scratch):
    """Containers of a run that was interrupted."""
    for program in ("crun", "runc"):
        path, state = field_of.which(program), scratch / program
        for container in (state.iterdir() if path and state.is_dir() else ()):
            subprocess.run([path, "--root", str(state), "delete", "--force", container.name], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    options = parse_arguments()
    if not (pathlib.Path(options.build) / "bench" / "spawn_bench").exists():
        sys.exit(f"bench: no {options.build}/bench/spawn_bench; build first, or say --build DIRECTORY")
    if not options.no_setup:
        subprocess.run([str(HERE / "setup_peers.sh")], check=False)
    machine = describe_machine()
    print(f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, "
          f"{'root' if machine['uid'] == 0 else 'ordinary user'}, load {machine['load_before'][0]:.2f}")
    if machine["load_before"][0] > 0.5:
        print("THE MACHINE IS BUSY: these figures are not to be quoted")
    print("* the fastest peer. Ratios are of medians; contenders take turns in a shuffled order.")
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with field_of.namespace_without_unified() as namespace:
            bench = Bench(options, scratch, namespace)
            try:
                bench.run()
            finally:
                with contextlib.suppress(OSError):
                    remove_leftovers(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    machine["load_after"] = os.getloadavg()
    file = bench.output / "results.json"
    document = {"schema_version": 1, "machine": machine, "quick": options.quick, "problems": bench.problems, "results": bench.results}
    file.write_text(json.dumps(document, indent=1) + "\n")
    print(f"\nresults: {file}")
    for problem in bench.problems:
        print(f"bench: {problem}", file=sys.stderr)
    return 1 if bench.problems else 0


if __name__ == "__main__":
    sys.exit(main())
