"""What the script suites share: a case that runs sandpit, an outer limit, and running a suite as an ordinary user.

    run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]

Hostile programs of the suites bound themselves (so many forks, so many bytes), and as root the whole suite also lives in
a cgroup of its own where version 1 is mounted: a failure of the sandbox must not take the machine down.
A test that can't run prints SKIPPED and what it needs; the exit status is 77 when every test was skipped.

From the environment:
    SANDPIT_TEST_SLOWNESS   by how much this machine is slower than a usual one (an emulated one: 8). Longer patience, and
                            more time where a program must get somewhere within a limit; what is asserted stays.
    SANDPIT_TEST_WARM       tests/support/warm_run: what outcome() runs is forked from a template, where there can be one
    SANDPIT_TEST_PROGRAMS   a directory that keeps compiled programs from run to run
    SANDPIT_TEST_LACKS      what this kernel lacks (tests/degraded)
    SANDPIT_WASM_WORKER     the WebAssembly worker, where it is not beside sandpit
    ASAN_OPTIONS, UBSAN_OPTIONS   for a sandpit with sanitizers
"""

import atexit
import functools
import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import unittest

SANDPIT = ""
WARM = os.environ.get("SANDPIT_TEST_WARM", "")
SOURCE = pathlib.Path(__file__).resolve().parents[2]
SLOWNESS = float(os.environ.get("SANDPIT_TEST_SLOWNESS", "1"))
PATIENCE = 120 * SLOWNESS  # seconds: when sandpit itself hangs
NOBODY = 65534
SANITIZER_OPTIONS = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
OUTER_TASKS = 512
OUTER_MEMORY = 4 << 30


def sandpit_path():
    return SANDPIT


@functools.cache
def worker_state():
    """Of the runtime wasm: "ready", or why not."""
    done = subprocess.run([SANDPIT, "runtimes", "--json"], capture_output=True, check=False)
    runtimes = json.loads(done.stdout)
    listed = runtimes["runtimes"] if isinstance(runtimes, dict) else runtimes
    return next(row["state"] for row in listed if row["name"] == "wasm")


def seconds(usual):
    """An option's value: time enough for a program to get somewhere."""
    return f"{usual * SLOWNESS:g}"


def private_directory(prefix):
    path = tempfile.mkdtemp(prefix=prefix)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    os.chmod(path, 0o755)  # for the ordinary user that a test becomes
    return pathlib.Path(path)


def sampling_sees_a_sanitizer():
    """An ordinary user's memory is sampled. A sanitizer's shadow is in it: 256 MiB in init, as much in its child until it executes."""
    return bool(SANITIZER_OPTIONS) and os.geteuid() != 0


@functools.cache
def other_defaults():
    """What limits are on this machine where none is given; empty: the usual ones."""
    defaults = {}
    if SLOWNESS > 1:
        defaults |= {"timeout_s": seconds(10), "cpu_time_limit_s": seconds(5)}
    if sampling_sees_a_sanitizer():
        defaults["memory_limit_mb"] = 2048
    return defaults


@functools.cache
def configuration():
    """A user's configuration directory with those limits. Options of a test still go before them."""
    directory = private_directory("sandpit-suite-config-")
    (directory / "sandpit").mkdir()
    lines = [f"{key} = {value}\n" for key, value in other_defaults().items()]
    (directory / "sandpit/sandbox.toml").write_text("[resource_limits]\n" + "".join(lines))
    return str(directory)


@functools.cache
def program_caches():
    """Where compiled programs are looked for and, as far as it is writable, kept."""
    shared = os.environ.get("SANDPIT_TEST_PROGRAMS")
    return [*([pathlib.Path(shared)] if shared else []), private_directory("sandpit-suite-programs-")]


class Case(unittest.TestCase):
    """A private directory and home; sandpit() runs there."""

    maxDiff = 2000

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sandpit-suite-"))
        self.addCleanup(remove_tree, self.dir)
        self.env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.dir / "home"), "TERM": "xterm",
                    **SANITIZER_OPTIONS}
        for name in ("SANDPIT_RUNTIMES_DIR", "SANDPIT_WASM_WORKER", "XDG_RUNTIME_DIR"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        if other_defaults():
            self.env["XDG_CONFIG_HOME"] = configuration()

    def write(self, name, text, mode=0o644):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def need(self, program, package=""):
        """Skips where this program is not among those that a run finds."""
        if not shutil.which(program, path=self.env["PATH"]):
            self.skipTest(f"{program} (apt-get install -y {package})" if package else program)

    def sandpit(self, *words, stdin=b"", program=None, **more):
        if isinstance(stdin, bytes):
            more["input"] = stdin
        else:
            more["stdin"] = stdin
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        more.setdefault("env", self.env)
        return subprocess.run([program or SANDPIT, *words], cwd=self.dir, timeout=PATIENCE, check=False, **more)

    def run_json(self, *words, **more):
        """sandpit run --json; by SANDPIT_TEST_WARM, in a process that is forked from a template."""
        if not WARM:
            return self.sandpit("run", "--json", *words, **more)
        launcher = pathlib.Path(SANDPIT).resolve().parent / "libexec/sandpit/sandpit-launcher"
        more["env"] = {**more.get("env", self.env), "SANDPIT_LAUNCHER": str(launcher)}
        done = self.sandpit("run", "--json", *words, program=WARM, **more)
        self.assertNotEqual(done.returncode, 99, done.stderr.decode())
        return done

    def outcome(self, name, *options, arguments=(), **more):
        """The Outcome of a file in the private directory, with sandpit's own exit status as `exit`."""
        done = self.run_json(*options, "--", str(name), *arguments, **more)
        try:
            outcome = json.loads(done.stdout)
        except ValueError:
            self.fail(f"no outcome: exit {done.returncode}, {done.stdout[:500]!r}, {done.stderr[:2000]!r}")
        outcome["exit"] = done.returncode
        return outcome

    def program(self, name, text, *options, **more):
        self.write(name, text)
        return self.outcome(name, *options, **more)

    def compile_c(self, name, text, *flags):
        text = text if isinstance(text, bytes) else text.encode()
        header = self.dir / "common.h"
        parts = [text, header.read_bytes() if header.exists() else b"", *map(str.encode, flags)]
        key = hashlib.sha256(b"\0".join(parts)).hexdigest()
        for cache in program_caches():
            if os.path.exists(cache / key):
                shutil.copy(cache / key, self.dir / name)
                return name
        if not shutil.which("gcc"):
            self.skipTest("gcc")
        self.write(name + ".c", text)
        done = subprocess.run(["gcc", "-O1", "-w", "-o", name, name + ".c", *flags, "-lpthread"], cwd=self.dir, env=self.env,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        for cache in program_caches():
            if keep_program(self.dir / name, cache, key):
                break
        return name

    def assert_outcome(self, outcome, **fields):
        shown = {key: value for key, value in outcome.items() if key != "stdout" or len(value) < 2000}
        for key, value in fields.items():
            self.assertEqual(outcome[key], value, shown)

    def skip_where_sampling_sees_a_sanitizer(self):
        if sampling_sees_a_sanitizer():
            self.skipTest("an init without shadow memory (sanitizer build)")

    def assert_exact(self, outcome, limit):
        """Enforced by a cgroup; an ordinary user without one gets a weaker mechanism that says so."""
        mechanism = outcome["enforcement"][limit]
        if limit == "processes" and os.geteuid() != 0 and mechanism == "rlimit":
            return  # RLIMIT_NPROC counts per user namespace, and each run has one of its own
        if os.geteuid() == 0 or not mechanism.endswith("(degraded)"):
            self.assertTrue(mechanism.startswith("cgroup-"), mechanism)
            self.assertNotIn("degraded", mechanism)


def keep_program(program, cache, key):
    unfinished = cache / f"{key}.{os.getpid()}"
    try:
        cache.mkdir(exist_ok=True)
        shutil.copy(program, unfinished)
        unfinished.rename(cache / key)  # a reader finds all of it or nothing
    except OSError:
        return False
    return True


def remove_tree(path):
    """Also of directories without permissions."""
    def mend(function, name, _):
        if name != str(path):  # what it lies in is not ours
            os.chmod(os.path.dirname(name), stat.S_IRWXU)
        if os.path.isdir(name) and not os.path.islink(name):
            os.chmod(name, stat.S_IRWXU)
        try:
            function(name)
        except OSError:
            pass
    shutil.rmtree(path, onerror=mend)


def own_cgroup(controller):
    """This process's directory of a version 1 controller, None when there is none."""
    directory = pathlib.Path("/sys/fs/cgroup") / controller
    if not (directory / "tasks").exists():
        return None
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            own = directory / path.lstrip("/")
            return own if own.is_dir() else None
    return None


class OuterLimit:
    """Puts this process, and so everything it starts, into cgroups with generous limits."""

    def __enter__(self):
        self.made = []
        if os.geteuid() != 0:
            return self
        for controller, file, value in (("pids", "pids.max", OUTER_TASKS), ("memory", "memory.limit_in_bytes", OUTER_MEMORY)):
            own = own_cgroup(controller)
            if own is None:
                continue
            group = own / f"suite-{os.getpid()}"
            try:
                group.mkdir()
                self.made.append((own, group))
                (group / file).write_text(str(value))
                (group / "cgroup.procs").write_text(str(os.getpid()))
            except OSError as error:
                print(f"no outer limit of {controller}: {error}", file=sys.stderr)
        return self

    def __exit__(self, *_):
        for own, group in self.made:
            try:
                (own / "cgroup.procs").write_text(str(os.getpid()))
                remove_cgroup(group)
            except OSError as error:
                print(f"{group} is left: {error}", file=sys.stderr)


def remove_cgroup(group):
    """With what a sandpit left there that a test killed: only the next run below the same cgroup would find that."""
    for directory in (*group.glob("sandpit-*"), group):
        for attempt in range(40, -1, -1):
            try:
                directory.rmdir()
                break
            except OSError:
                if attempt == 0:
                    raise
                time.sleep(0.05)


def run_as_user(arguments):
    """Copies what the suite needs to where an ordinary user reaches it, and runs it there as nobody."""
    if os.geteuid() != 0:
        print("SKIPPED: needs root, to become another user (an ordinary user runs the suite itself)")
        return 77
    if not shutil.which("setpriv"):
        print("SKIPPED: needs setpriv (apt-get install -y util-linux)")
        return 77
    room = pathlib.Path(tempfile.mkdtemp(prefix="sandpit-user-"))
    try:
        room.chmod(0o755)
        script = pathlib.Path(sys.argv[0]).resolve()
        shutil.copy(arguments[0], room / "sandpit")
        (room / "libexec/sandpit").mkdir(parents=True)
        for part in ("sandpit-launcher", "libsandpit_warm.so", "warm-init", "egress-proxy"):
            file = pathlib.Path(arguments[0]).resolve().parent / "libexec/sandpit" / part
            if file.exists():
                shutil.copy(file, room / "libexec/sandpit")
        attacks = pathlib.Path(arguments[0]).resolve().parent / "libexec/sandpit/attest"
        if attacks.exists():
            shutil.copytree(attacks, room / "libexec/sandpit/attest")
        if WARM:
            shutil.copy(WARM, room / "warm_run")
        for folder in {script.parent, SOURCE / "tests/support", SOURCE / "runtimes"}:
            shutil.copytree(folder, room / folder.relative_to(SOURCE))
        tmp = room / "tmp"
        tmp.mkdir()
        os.chown(tmp, NOBODY, NOBODY)
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp), "TMPDIR": str(tmp), "LANG": "C.UTF-8",
                       "SANDPIT_RUNTIMES_DIR": str(room / "runtimes"), "SANDPIT_TEST_SLOWNESS": f"{SLOWNESS:g}",
                       **({"SANDPIT_TEST_WARM": str(room / "warm_run")} if WARM else {}), **SANITIZER_OPTIONS}
        if "SANDPIT_TEST_LACKS" in os.environ:
            environment["SANDPIT_TEST_LACKS"] = os.environ["SANDPIT_TEST_LACKS"]
        programs = os.environ.get("SANDPIT_TEST_PROGRAMS", "")
        if os.path.isdir(programs):
            environment["SANDPIT_TEST_PROGRAMS"] = str(shutil.copytree(programs, room / "programs"))
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", sys.executable, "-B",
                   str(room / script.relative_to(SOURCE)), str(room / "sandpit"), *arguments[1:]]
        with OuterLimit():
            return subprocess.run(command, env=environment, cwd=tmp, check=False).returncode
    finally:
        shutil.rmtree(room, ignore_errors=True)


class Result(unittest.TextTestResult):
    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"SKIPPED {test.id()}: needs {reason}", flush=True)


def main():
    global SANDPIT
    arguments = sys.argv[1:]
    if arguments[:1] == ["--as-user"]:
        sys.exit(run_as_user(arguments[1:]))
    if not arguments:
        sys.exit(__doc__)
    SANDPIT = os.path.abspath(arguments[0])
    module = sys.modules["__main__"]
    loader = unittest.defaultTestLoader
    names = arguments[1:]
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    with OuterLimit():
        result = unittest.TextTestRunner(resultclass=Result, verbosity=2).run(suite)
    if result.testsRun and len(result.skipped) == result.testsRun:
        sys.exit(77)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
