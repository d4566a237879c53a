"""What is left on a host, and hosts that lack something or give a cgroup away."""

import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import time
import uuid

import limits_test
from sandpit_tests import NOBODY, PATIENCE, SLOWNESS, SOURCE, Case, sandpit_path, seconds


class Leftovers(Case):
    """After a violent end of sandpit itself."""

    def start(self, text, word, before=(), **variables):
        self.write("p.sh", text)
        words = [*before, sandpit_path(), "run", "--quiet", "--timeout", "100", "p.sh", word]
        run = subprocess.Popen(words, cwd=self.dir, env=self.env | variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        self.assertEqual(run.stdout.readline(), b"ready\n")
        return run

    def processes(self, word):
        found = []
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and word.encode() in pathlib.Path("/proc", name, "cmdline").read_bytes():
                    found.append(int(name))
            except OSError:
                pass
        return found

    def abandoned_groups(self):
        """Cgroups of this user's runs whose slot nobody holds."""
        found = set()
        state = f"/tmp/sandpit-{os.geteuid()}"
        if os.geteuid() == 0:
            state = "/run/sandpit"
        elif "XDG_RUNTIME_DIR" in self.env:
            state = self.env["XDG_RUNTIME_DIR"] + "/sandpit"
        try:
            directory = os.stat(state + "/slots")
        except FileNotFoundError:
            return found
        mark = f".{directory.st_dev:x}.{directory.st_ino:x}"
        # With version 2 root's groups are right below the mount point.
        for path in pathlib.Path("/sys/fs/cgroup").glob(f"**/sandpit-*{mark}"):
            number = path.name.removeprefix("sandpit-").removesuffix(mark)
            try:
                with open(f"{state}/slots/{number}", "rb+") as slot:
                    fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            except OSError:
                pass
            found.add(str(path))
        return found

    def eventually(self, holds):
        end = time.monotonic() + 30
        while not holds():
            self.assertLess(time.monotonic(), end, "still not")
            time.sleep(0.05)

    def test_killed_with_sigkill_its_processes_end_and_the_next_run_cleans_up(self):
        word = "mark-" + uuid.uuid4().hex
        before = self.abandoned_groups()
        run = self.start("trap '' TERM HUP INT\n(exec -a $1 sleep 90) &\necho ready\nexec -a $1 sleep 90", word)
        self.eventually(lambda: len(self.processes(word)) >= 3)
        mounts = pathlib.Path("/proc/self/mountinfo").read_text()
        run.kill()
        run.wait()
        self.eventually(lambda: not self.processes(word))

        def cleaned():
            self.assertEqual(self.program("next.py", "print('next')")["stdout"], "next\n")
            return self.abandoned_groups() <= before
        self.eventually(cleaned)
        self.assertEqual(pathlib.Path("/proc/self/mountinfo").read_text(), mounts)
        self.assertEqual(sorted(os.listdir(self.dir)), ["next.py", "p.sh"])

    def test_runs_with_state_directories_of_their_own_do_not_end_each_other(self):
        """Both hold slot 0 of theirs, below the same cgroup."""
        own_run = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /run; exec "$@"', "-"] if os.geteuid() == 0 else []

        def start(name):
            (self.dir / name).mkdir()
            return self.start("echo ready; sleep 1; exit 7", name, own_run, XDG_RUNTIME_DIR=str(self.dir / name))
        runs = [start(name) for name in ("first", "second")]
        self.assertEqual([run.wait(60) for run in runs], [7, 7])

    def test_terminated_its_processes_end_before_it_does(self):
        word = "mark-" + uuid.uuid4().hex
        run = self.start("trap '' TERM HUP INT\n(exec -a $1 sleep 90) &\necho ready\nexec -a $1 sleep 90", word)
        run.terminate()
        self.assertEqual(run.wait(60), 128 + 15)
        self.assertEqual(self.processes(word), [])

    def test_runs_of_every_ending_leave_no_group_and_no_file(self):
        before = self.abandoned_groups()
        temporary = set(os.listdir("/tmp"))
        for text in ("true", "exit 3", "kill -9 $$", "sleep 100", "sleep 100 & echo x", "ulimit -c 1; kill -SEGV $$"):
            self.program("p.sh", text, "--timeout", "0.5")
        self.program("p.py", limits_test.Memory.ONE, "--memory", "32")
        self.eventually(lambda: self.abandoned_groups() <= before)
        left = {name for name in set(os.listdir("/tmp")) - temporary if name.startswith("sandpit") and "suite" not in name}
        left -= {f"sandpit-{os.geteuid()}"}
        self.assertEqual({name for name in left if os.lstat("/tmp/" + name).st_uid == os.geteuid() != 0}, set())


class Degraded(Case):
    """An ordinary user's host without a delegated cgroup."""

    def setUp(self):
        super().setUp()
        if os.geteuid() == 0:
            self.skipTest("an ordinary user")
        probe = self.program("probe.py", "pass")
        if "degraded" not in probe["enforcement"].get("memory", ""):
            self.skipTest("a host whose cgroups the user can't write")

    def test_production_refuses_with_the_reason_and_what_mends_it(self):
        self.write("p.py", "print('ran')")
        for profile in ("production", "strict"):
            done = self.sandpit("run", "--profile", profile, "p.py")
            said = done.stderr.decode()
            self.assertEqual((done.returncode, done.stdout), (126, b""), said)
            self.assertRegex(said, r"can't enforce memory")
            self.assertIn("allow_degraded", said)
            self.assertRegex(said, r"run sandpit as root|loginctl|delegat")
        outcome = self.outcome("p.py", "--profile", "production")
        self.assert_outcome(outcome, status="refused", exit=126)

    def test_development_warns_in_one_line(self):
        self.write("p.py", "print('ran')")
        done = self.sandpit("run", "p.py")
        self.assertEqual((done.returncode, done.stdout), (0, b"ran\n"))
        lines = [line for line in done.stderr.decode().splitlines() if line.strip()]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("sandpit: ", lines[0])
        self.assertEqual(self.sandpit("run", "--quiet", "p.py").stderr, b"")

    def test_memory_of_one_process_is_sampled(self):
        outcome = self.program("p.py", limits_test.Memory.ONE + "\nimport time; time.sleep(5)", "--memory", "64", "--timeout", "100",
                               "--cpu-time", "60")
        self.assert_outcome(outcome, status="memory_exceeded", exit=137)
        self.assertIn("sampled", outcome["enforcement"]["memory"])

    def test_memory_of_twenty_processes_is_sampled(self):
        outcome = self.program("p.py", limits_test.Memory.TWENTY, "--memory", "128", "--processes", "30", "--timeout", "100",
                               "--cpu-time", "60")
        self.assert_outcome(outcome, status="memory_exceeded", stdout="")

    def test_cpu_time_of_short_lived_children_is_found(self):
        self.compile_c("burn", "#include <signal.h>\n" + limits_test.BURN)
        for how in ("children", "unwaited", "threads"):
            outcome = self.outcome("burn", "--cpu-time", "1", "--timeout", "60", arguments=[how])
            self.assert_outcome(outcome, status="cpu_time_exceeded")
            self.assertIn("degraded", outcome["enforcement"]["cpu_time"])


class Delegation(Case):
    """Cgroup v2: what an ordinary user gets out of a group that root made and handed over."""

    def setUp(self):
        super().setUp()
        # What is mounted at the top may be a container's own group, where root itself has to move out of the way first.
        if os.geteuid() != 0 or not os.access("/sys/fs/cgroup/cgroup.subtree_control", os.W_OK):
            self.skipTest("root, to hand over a group, and cgroup v2")
        try:
            pathlib.Path("/sys/fs/cgroup/cgroup.subtree_control").write_text("+memory +pids")
        except OSError as error:
            self.skipTest(f"memory and pids controllers of cgroup v2 ({error})")
        self.dir.chmod(0o755)
        shutil.copy(sandpit_path(), self.dir / "sandpit")
        shutil.copytree(SOURCE / "runtimes", self.dir / "runtimes")
        self.env["SANDPIT_RUNTIMES_DIR"] = str(self.dir / "runtimes")
        self.write("p.py", "print('ran')")
        self.group = pathlib.Path("/sys/fs/cgroup", f"handed-over-{os.getpid()}")
        self.hand_over(self.group)
        self.addCleanup(self.remove_groups)

    def hand_over(self, group):
        group.mkdir()
        for path in (group, *(group / f"cgroup.{name}" for name in ("procs", "threads", "subtree_control"))):
            os.chown(path, NOBODY, NOBODY)

    def remove_groups(self):
        def remove():
            for directory, _, _ in os.walk(self.group, topdown=False):
                os.rmdir(directory)
        end = time.monotonic() + 30
        while self.group.exists():
            try:
                remove()
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def run_in(self, group, script):
        """The outcomes that a shell of the user prints that was put into the group."""
        command = ["sh", "-c", 'echo $$ >"$1"; shift; exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"', "sh",
                   str(group / "cgroup.procs"), "bash", "-c", script]
        done = subprocess.run(command, cwd=self.dir, env=self.env, capture_output=True, timeout=PATIENCE, check=False)
        outcomes = [json.loads(line) for line in done.stdout.decode().splitlines()]
        self.assertTrue(outcomes, done.stderr.decode())
        for outcome in outcomes:
            self.assert_outcome(outcome, status="exited", stdout="ran\n", exit_code=0)
        return outcomes

    def assert_enforced(self, outcome, memory):
        enforcement = outcome["enforcement"]
        self.assertEqual(enforcement["cpu_time"], "cgroup-v2+rlimit")
        self.assertIn(memory, enforcement["memory"])
        self.assertEqual(enforcement["processes"], "cgroup-v2" if memory == "cgroup-v2" else "rlimit")

    def test_alone_in_its_group_it_moves_out_of_the_way(self):
        [outcome] = self.run_in(self.group, "exec ./sandpit run --json p.py")
        self.assert_enforced(outcome, memory="cgroup-v2")

    def test_beside_the_users_shell_it_runs_with_less(self):
        outcomes = self.run_in(self.group, "for i in 1 2; do ./sandpit run --json p.py; done; true")
        self.assertEqual(len(outcomes), 2)
        for outcome in outcomes:
            self.assert_enforced(outcome, memory="sampled")
            self.assertRegex(outcome["warnings"][0], "other processes are in .*mkdir")

    def test_a_shell_in_a_group_below_gets_exact_limits(self):
        self.hand_over(self.group / "shell")
        outcomes = self.run_in(self.group / "shell", "for i in 1 2; do ./sandpit run --json p.py; done; true")
        for outcome in outcomes:
            self.assert_enforced(outcome, memory="cgroup-v2")
        self.assertEqual(sorted(path.name for path in self.group.iterdir() if path.is_dir()), ["shell"])


class UserManager(Case):
    """Cgroup v2 and systemd: an ordinary user who has logged in, in a session's group that is root's, with a manager to ask."""

    RUNTIME = f"/run/user/{NOBODY}"

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0 or not os.path.isdir("/run/systemd/system") or not shutil.which("systemctl"):
            self.skipTest("root and a running systemd, to start a user's manager")
        started = subprocess.run(["systemctl", "start", f"user@{NOBODY}.service"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(started.returncode, 0, started.stderr)
        self.addCleanup(subprocess.run, ["systemctl", "stop", f"user@{NOBODY}.service"], check=False)
        self.slice = pathlib.Path(f"/sys/fs/cgroup/user.slice/user-{NOBODY}.slice")
        self.session = self.slice / f"session-{os.getpid()}.scope"
        self.session.mkdir()
        self.addCleanup(self.session.rmdir)
        self.dir.chmod(0o755)
        shutil.copy(sandpit_path(), self.dir / "sandpit")
        shutil.copytree(SOURCE / "runtimes", self.dir / "runtimes")
        self.env.update(SANDPIT_RUNTIMES_DIR=str(self.dir / "runtimes"), XDG_RUNTIME_DIR=self.RUNTIME)
        self.write("p.py", "print('ran')")

    def as_user(self, *command, env=None):
        shell = ["sh", "-c", 'echo $$ >"$1"; shift; exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"', "sh",
                 str(self.session / "cgroup.procs"), *command]
        return subprocess.run(shell, cwd=self.dir, env=env or self.env, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def outcome_of(self, *command, **more):
        done = self.as_user(*command, **more)
        self.assertTrue(done.stdout.startswith("{"), (done.stdout, done.stderr))
        return json.loads(done.stdout)

    def test_sandpit_asks_the_manager_by_itself(self):
        outcome = self.outcome_of("./sandpit", "run", "--json", "--profile", "production", "p.py")
        self.assert_outcome(outcome, status="exited", stdout="ran\n", warnings=[])
        self.assertEqual({outcome["enforcement"][limit] for limit in ("memory", "processes")}, {"cgroup-v2"})
        self.assertEqual(outcome["enforcement"]["cpu_time"], "cgroup-v2+rlimit")

    def test_the_limits_hold(self):
        self.write("p.py", limits_test.Memory.TWENTY)
        outcome = self.outcome_of("./sandpit", "run", "--json", "--profile", "production", "--memory", "128", "--processes", "30",
                                  "--timeout", seconds(20), "--cpu-time", seconds(20), "p.py")
        self.assert_outcome(outcome, status="memory_exceeded", stdout="")

    def test_the_command_that_a_refusal_names_helps(self):
        alone = {name: value for name, value in self.env.items() if name != "XDG_RUNTIME_DIR"}
        refused = self.outcome_of("./sandpit", "run", "--json", "--profile", "production", "p.py", env=alone)
        self.assert_outcome(refused, status="refused")
        self.assertIn("systemd-run --user --scope -p Delegate=yes -- sandpit", refused["message"])
        outcome = self.outcome_of("systemd-run", "--user", "--quiet", "--scope", "-p", "Delegate=yes", "--", "./sandpit", "run", "--json",
                                  "--profile", "production", "p.py")
        self.assert_outcome(outcome, status="exited", stdout="ran\n", warnings=[])
        self.assertEqual(outcome["enforcement"]["memory"], "cgroup-v2")

    def test_nothing_is_left(self):
        self.outcome_of("./sandpit", "run", "--json", "p.py")
        def scopes():
            return [path for path in self.slice.rglob("sandpit-*") if path.is_dir()]
        end = time.monotonic() + 10 * SLOWNESS
        while scopes() and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(scopes(), [])
