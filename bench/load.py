#!/usr/bin/env python3
"""Hostile programs by the thousand from one batch: is every Outcome right, does the host stay responsive, is nothing left behind?

    bench/load.py --build build/release                  2,000 tasks
    bench/load.py --build build/release --tasks 200 --jobs 16
    bench/load.py --build build/release --minutes 30     a soak: tasks without end for so long, figures of each minute

The tasks are programs of tests/escape with small limits, each with the end that it must have, and between them well-behaved ones
whose output is known. They are fed to `sandpit batch -` by a pipe. Beside it a probe, outside of every limit, wakes each 10 ms and
notes how late it was, and starts /bin/true four times a second. As root the batch is in cgroups of its own (6 GiB, 6,000 tasks),
so that the machine survives a failure of the sandbox.

Exit status 1 when an Outcome was wrong, a result was missing, or something was left: processes, cgroups, mounts, files in /tmp.
Times are figures for people; nothing is asserted of them.
"""

import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/support"))
import sandpit_tests  # noqa: E402

# Of the batch and all its runs together.
OUTER_MEMORY, OUTER_TASKS = 6 << 30, 6000

# Time for a program to get somewhere while a hundred others want the same two processors.
PATIENT = {"timeout_s": 300, "cpu_time_limit_s": 20}
SHORT = {"timeout_s": 1, "cpu_time_limit_s": 1}


def contained(result):
    return result["status"] == "exited" and result["stdout"].rstrip().endswith("CONTAINED")


def ends(*statuses):
    """By one of these, and never with what it wanted."""
    return lambda result: result["status"] in statuses and "ESCAPED" not in result["stdout"]


def says(text):
    return lambda result: result["status"] == "exited" and result["stdout"] == text


def cut(result):
    return result["status"] == "exited" and (result["stdout_truncated"] or result["stderr_truncated"])


# Name, program of tests/escape (or text and its runtime), arguments, limits, what its Outcome must be.
HOSTILE = [
    ("fork bomb", "fork_bomb.c", ["64"], {"max_processes": 16}, contained),
    ("fork bomb without end", ("shell", "b() { b | b & }; b; wait"), [], {"max_processes": 16, "cpu_time_limit_s": 1, "timeout_s": 3},
     ends("exited", "cpu_time_exceeded", "wall_time_exceeded")),
    ("thread bomb", "thread_bomb.c", ["64"], {"max_processes": 16}, contained),
    ("zombie flood", "zombie_flood.c", ["200"], {"max_processes": 20}, contained),
    ("memory, anonymous", "memory_anonymous.py", ["200"], {"memory_limit_mb": 64}, ends("memory_exceeded")),
    ("memory, shell", "memory_of_strings.sh", ["200"], {"memory_limit_mb": 64}, ends("memory_exceeded")),
    ("memory, segments", "memory_of_segments.c", ["100"], {"memory_limit_mb": 32}, ends("memory_exceeded")),
    ("memory, mapped file", "memory_mapped_file.c", ["100"], {"memory_limit_mb": 32, "max_file_size_kb": 204800},
     ends("memory_exceeded", "signaled")),
    ("memory, pipes", "memory_of_pipes.c", ["64"], {"memory_limit_mb": 32, "max_open_files": 1000}, ends("memory_exceeded")),
    ("memory, page tables", "memory_of_page_tables.c", ["64"], {"memory_limit_mb": 32}, ends("memory_exceeded")),
    ("disk", "fill_disk.sh", ["24"], {"max_disk_mb": 16, "max_processes": 16}, contained),
    ("disk, no names", "fill_unlinked_file.py", ["24"], {"max_disk_mb": 16}, contained),
    ("inodes", "use_up_inodes.py", ["500", "."], {"max_inodes": 200}, contained),
    ("deep directories", "deep_directories.c", ["600"], {"max_inodes": 200}, contained),
    ("descriptors", "use_up_descriptors.py", ["300"], {"max_open_files": 50}, contained),
    ("output flood", "flood_lines.py", ["4"], {"max_output_kb": 64}, cut),
    ("error flood", "flood_of_errors.sh", ["4"], {"max_output_kb": 64}, cut),
    ("output without end", ("shell", "exec yes"), [], {"max_output_kb": 64, "cpu_time_limit_s": 0.3}, ends("cpu_time_exceeded")),
    ("processor, threads", "burn_by_threads.c", [], {"cpu_time_limit_s": 0.3, "max_processes": 16}, ends("cpu_time_exceeded")),
    ("processor, children", "burn_by_children.sh", [], {"cpu_time_limit_s": 0.3, "max_processes": 16}, ends("cpu_time_exceeded")),
    ("asleep", ("shell", "exec sleep 100000"), [], SHORT, ends("wall_time_exceeded")),
    ("deaf", "ignore_every_signal.c", [], SHORT, ends("wall_time_exceeded")),
    ("stopped", "stop_itself.c", ["19"], SHORT, ends("wall_time_exceeded")),
    ("init stopped", "stop_the_supervision.c", [], SHORT, ends("wall_time_exceeded")),
    ("flood of denials", "flood_of_denials.c", ["5000"], {}, contained),
    ("orphan", "outlive_the_run.c", ["sandpit-load-mark"], {}, says("left\n")),
    ("kills everybody", "kill_everything.py", [], {}, ends("exited", "signaled")),
    ("closes everything", "close_every_descriptor.c", [], {}, says("closing\n")),
    ("crash", ("shell", "kill -SEGV $$"), [], {}, ends("signaled")),
]
GOOD = [
    ("good python", ("python", "print(sum(range(1000)))"), [], {}, says("499500\n")),
    ("good shell", ("shell", "for i in 1 2 3; do echo $i; done"), [], {}, says("1\n2\n3\n")),
    ("good exit", ("python", "import sys; print('x'); sys.exit(7)"), [], {},
     lambda result: result["status"] == "exited" and result["exit_code"] == 7 and result["stdout"] == "x\n"),
]


def compiled(folder, name):
    source = ROOT / "tests/escape/programs" / name
    made = folder / source.stem
    if not made.exists():
        subprocess.run(["gcc", "-O1", "-w", "-D_GNU_SOURCE", "-o", made, source, "-lpthread"], check=True)
    return made


class OuterGroups:
    """Cgroups (version 1; none elsewhere) for the batch and all that it starts; this process and the probe stay outside."""

    def __init__(self):
        self.made = []
        for controller, file, value in (("pids", "pids.max", OUTER_TASKS), ("memory", "memory.limit_in_bytes", OUTER_MEMORY)):
            own = sandpit_tests.own_cgroup(controller)
            if own is None:
                print(f"no outer limit of {controller}")
                continue
            group = own / f"load-{os.getpid()}"
            group.mkdir()
            (group / file).write_text(str(value))
            self.made.append(group)

    def enter(self):
        """In the child."""
        for group in self.made:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    def members(self):
        return {int(pid) for group in self.made for path in group.rglob("cgroup.procs") for pid in path.read_text().split()}

    def remove(self):
        for group in self.made:
            group.rmdir()


class Tasks:
    """Lines for the batch, and what was promised of each."""

    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.folder = folder
        self.kinds = HOSTILE + GOOD * 2
        self.expected = {}

    def line(self, number):
        name, program, arguments, limits, right = self.kinds[number % len(self.kinds)] if number < len(self.kinds) else self.random.choice(self.kinds)
        task = {"id": number, "args": arguments, "limits": {**PATIENT, "memory_limit_mb": 96, **limits}}
        if isinstance(program, tuple):
            task["runtime"], task["source"] = program
        elif program.endswith(".c"):
            task["file"] = str(compiled(self.folder, program))
        else:
            task["file"] = str(ROOT / "tests/escape/programs" / program)
        self.expected[number] = (name, right)
        return json.dumps(task) + "\n"


def probe(connection):
    """A process of its own: how late it wakes, and how long a start of /bin/true takes. Milliseconds, since the last question."""
    late, starts = [], []
    next_start = time.monotonic()
    while True:
        due = time.monotonic() + 0.010
        time.sleep(0.010)
        late.append((time.monotonic() - due) * 1e3)
        if time.monotonic() >= next_start:
            begin = time.monotonic()
            subprocess.run(["/bin/true"], check=True)
            starts.append((time.monotonic() - begin) * 1e3)
            next_start = time.monotonic() + 0.25
        if connection.poll():
            if connection.recv() == "end":
                return
            connection.send((late, starts))
            late, starts = [], []


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def status_of(pid):
    """Resident memory in KiB and number of descriptors; None when it is gone."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        size = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
        return size, len(os.listdir(f"/proc/{pid}/fd"))
    except (OSError, StopIteration):
        return None


def launcher_among(pids):
    """The one with the most descriptors: processes that it forks are called the same until they execute something."""
    found = []
    for pid in pids:
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("sandpit-launch"):
                found.append((len(os.listdir(f"/proc/{pid}/fd")), pid))
        except OSError:
            pass
    return max(found)[1] if found else None


class Traces:
    """What a run could leave. Tests that are at work meanwhile have files and cgroups of their own."""

    OTHERS = ("sandpit-load-", "sandpit-suite-", "sandpit-user-", "sandpit-attest-", "sandpit-test-")

    def __init__(self, groups):
        self.groups = groups
        self.before = self.look()

    def look(self):
        return {
            "cgroups": {str(path) for group in self.groups.made for path in group.rglob("*") if path.is_dir()},
            "mounts": set(pathlib.Path("/proc/self/mountinfo").read_text().splitlines()),
            "files": {name for name in os.listdir("/tmp") if "sandpit" in name and not name.startswith(self.OTHERS)},
        }

    def left(self, group):
        """Looked at again for a while: what was killed takes a moment to be gone."""
        for _ in range(100):
            now = self.look()
            found = {name: sorted(now[name] - self.before[name]) for name in now if now[name] - self.before[name]}
            processes = [pid for pid in group() if pid != os.getpid()]
            if processes:
                found["processes"] = [(pid, command_of(pid)) for pid in processes]
            if not found:
                break
            time.sleep(0.1)
        return found


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "gone"


def members(session):
    """Processes of the batch: of its session, and those whose command line has the orphans' mark."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if os.getsid(int(name)) == session or "sandpit-load-mark" in command_of(int(name)).split():
                found.append(int(name))
        except OSError:
            pass
    return found


class Load:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.tasks = Tasks(folder, arguments.seed)
        self.wrong = []
        self.done = 0
        self.statuses = collections.Counter()
        self.launcher = None
        self.minutes = []

    def feed(self, pipe, end):
        """Until the number, or the time, is reached. The batch reads ahead only so far, so that this waits for it."""
        number = 0
        try:
            while (time.monotonic() < end) if end else (number < self.arguments.tasks):
                pipe.write(self.tasks.line(number))
                number += 1
            pipe.close()
        except BrokenPipeError:
            self.wrong.append("the batch ended before its tasks")
        self.sent = number

    def judge(self, line):
        result = json.loads(line)
        name, right = self.tasks.expected.pop(result["id"])
        self.done += 1
        self.statuses[result["status"]] += 1
        if not right(result):
            shown = {key: result[key] for key in ("status", "exit_code", "message", "wall_time_ms", "cpu_time_ms", "start", "warnings") if key in result}
            self.wrong.append(f"{name}: {shown} {result['stdout'][-200:]!r} {result['stderr'][-200:]!r}")

    def note_minute(self, connection, batch, begin, count):
        connection.send("tell")
        late, starts = connection.recv()
        self.launcher = self.launcher or launcher_among(self.members())
        launcher = status_of(self.launcher) if self.launcher else None
        own = status_of(batch.pid)
        self.minutes.append({
            "seconds": round(time.monotonic() - begin), "runs": count, "wrong": len(self.wrong),
            "launcher_kb": launcher[0] if launcher else None, "launcher_fds": launcher[1] if launcher else None,
            "batch_kb": own[0] if own else None, "batch_fds": own[1] if own else None,
            "late_median_ms": round(statistics.median(late), 2) if late else None, "late_p99_ms": round(percentile(late, 0.99), 2),
            "late_max_ms": round(max(late, default=0), 2), "true_median_ms": round(statistics.median(starts), 2) if starts else None,
            "true_max_ms": round(max(starts, default=0), 2)})

    def run(self):
        groups = OuterGroups()
        traces = Traces(groups)
        here, there = multiprocessing.Pipe()
        prober = multiprocessing.Process(target=probe, args=(there,), daemon=True)
        prober.start()
        sandpit = str(pathlib.Path(self.arguments.build).resolve() / "sandpit")
        command = [sandpit, "batch", "-", "--quiet", "--lint", "off", "-j", str(self.arguments.jobs)]
        begin = time.monotonic()
        batch = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace",
                                 start_new_session=True, preexec_fn=groups.enter)
        end = begin + self.arguments.minutes * 60 if self.arguments.minutes else None
        self.members = lambda: groups.members() | set(members(batch.pid))
        feeder = threading.Thread(target=self.feed, args=(batch.stdin, end))
        feeder.start()
        noted, count = begin, 0
        for line in batch.stdout:
            self.judge(line)
            count += 1
            if time.monotonic() - noted >= self.arguments.interval:
                self.note_minute(here, batch, begin, count)
                noted, count = time.monotonic(), 0
                print(table_row(self.minutes[-1]), flush=True) if len(self.minutes) > 1 else print(table(self.minutes), flush=True)
        feeder.join()
        status = batch.wait()
        self.seconds = time.monotonic() - begin
        if count:
            self.note_minute(here, batch, begin, count)
            print(table_row(self.minutes[-1]) if len(self.minutes) > 1 else table(self.minutes), flush=True)
        here.send("end")
        prober.join()
        if status != 0:
            self.wrong.append(f"the batch ended with {status}")
        for number, (name, _) in self.tasks.expected.items():
            self.wrong.append(f"no result of task {number} ({name})")
        self.left = traces.left(self.members)
        if not self.left:
            groups.remove()
        return self


COLUMNS = [("seconds", "s"), ("runs", "runs"), ("wrong", "wrong"), ("launcher_kb", "launcher KiB"), ("launcher_fds", "fds"),
           ("batch_kb", "batch KiB"), ("batch_fds", "fds"), ("late_median_ms", "late ms"), ("late_p99_ms", "p99"), ("late_max_ms", "max"),
           ("true_median_ms", "true ms"), ("true_max_ms", "max")]


def table_row(row):
    return "".join(f"{'-' if row[key] is None else row[key]:>{max(8, len(title) + 2)}}" for key, title in COLUMNS)


def table(rows):
    return "\n".join(["".join(f"{title:>{max(8, len(title) + 2)}}" for _, title in COLUMNS), *map(table_row, rows)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release", help="the build directory")
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=0, help="a soak of so long, in place of a number of tasks")
    parser.add_argument("--jobs", type=int, default=64, help="at one time, as far as the memory of this host admits them")
    parser.add_argument("--interval", type=float, default=60, help="seconds between two rows of figures")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", help="write the figures there")
    arguments = parser.parse_args()
    if not shutil.which("gcc"):
        print("SKIPPED: needs gcc")
        sys.exit(77)
    if os.geteuid() != 0:
        print("SKIPPED: needs root: an ordinary user's memory is sampled where there is no cgroup, and some attacks are then not seen")
        sys.exit(77)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sandpit-load-"))
    folder.chmod(0o755)
    try:
        load = Load(arguments, folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{load.done} runs in {load.seconds:.0f} s, {load.done / load.seconds:.1f}/s, {arguments.jobs} at a time at most: "
          + ", ".join(f"{count} {name}" for name, count in load.statuses.most_common()))
    print(f"{len(load.wrong)} wrong; left behind: {load.left or 'nothing'}")
    for text in load.wrong[:20]:
        print("WRONG", text)
    if arguments.json:
        figures = {"runs": load.done, "seconds": load.seconds, "jobs": arguments.jobs, "statuses": load.statuses, "wrong": load.wrong,
                   "left": load.left, "minutes": load.minutes}
        pathlib.Path(arguments.json).write_text(json.dumps(figures, indent=2, default=str) + "\n")
    sys.exit(1 if load.wrong or load.left else 0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
