#!/usr/bin/env python3
"""Hosts that lack something: `sandpit doctor` names it and the command that mends it, and a run is refused with the reason,
or works and says what is weaker.

    tests/degraded/run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]

Each class makes such a host of this one for the programs that it starts. In the virtual machine (tests/vm/run.sh) the kernel
itself lacks things; from the environment:
    SANDPIT_TEST_LACKS   "landlock": this kernel was booted without it
    SANDPIT_TEST_ALONE   settings of the whole machine may be changed: nobody else is there
"""

import ctypes
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from sandpit_tests import NOBODY, PATIENCE, SOURCE, Case, main, sandpit_path  # noqa: E402

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_REC, MS_PRIVATE, MNT_DETACH = 16384, 1 << 18, 2
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LANDLOCK_CALLS = (444, 445, 446)
ENOSYS = 38
LACKS = os.environ.get("SANDPIT_TEST_LACKS", "").split(",")
libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def without_landlock():
    """As in a container whose filter does not know the calls."""
    def instruction(code, k, jt=0, jf=0):
        return struct.pack("<HBBI", code, jt, jf, k)
    program = instruction(0x20, 0)  # the call's number
    for left, number in zip((2, 1, 0), LANDLOCK_CALLS):
        program += instruction(0x15, number, jt=left + 1)
    program += instruction(0x06, 0x7FFF0000) + instruction(0x06, 0x00050000 | ENOSYS)
    code = ctypes.create_string_buffer(program)
    filter_ = ctypes.create_string_buffer(struct.pack("<H6xQ", len(program) // 8, ctypes.addressof(code)))
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    check(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_, 0, 0))


def own_user_namespace(more=0):
    uid, gid = os.geteuid(), os.getegid()
    check(libc.unshare(CLONE_NEWUSER | more))
    pathlib.Path("/proc/self/setgroups").write_text("deny")
    pathlib.Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    pathlib.Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def without_user_namespaces():
    """The setting is of each user namespace: of those within one of ours there can be none."""
    own_user_namespace()
    pathlib.Path("/proc/sys/user/max_user_namespaces").write_text("0")


def without_cgroups():
    """As in a container or chroot without /sys/fs/cgroup; root's own, so that an ordinary user's may be covered only."""
    if os.geteuid() == 0:
        check(libc.unshare(CLONE_NEWNS))
    else:
        own_user_namespace(CLONE_NEWNS)
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    if os.geteuid() == 0:
        points = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
        for point in reversed([point for point in points if point.startswith("/sys/fs/cgroup")]):
            check(libc.umount2(point.encode(), MNT_DETACH))
    else:
        check(libc.mount(b"tmpfs", b"/sys/fs/cgroup", b"tmpfs", 0, None))


class Host(Case):
    """`make` turns a child of this process into one on a lesser host."""
    make = None

    def on_host(self, *words, **more):
        return self.sandpit(*words, preexec_fn=type(self).__dict__["make"], **more)

    def doctor(self, **more):
        """Its rows by name; its verdict is of a run in profile production."""
        done = self.on_host("doctor", "--json", **more)
        told = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if told["production"] else 1, told)
        return {row["name"]: row for row in told["features"]}, told

    def refused(self, *options, said, reason=126):
        self.write("p.py", "print('ran')")
        done = self.on_host("run", *options, "p.py")
        self.assertEqual((done.returncode, done.stdout), (reason, b""), done.stderr.decode())
        for text in said:
            self.assertIn(text, done.stderr.decode())
        return done.stderr.decode()

    def outcome_with(self, *allowed, program="print('ran')", options=()):
        names = ", ".join(f'"{name}"' for name in allowed)
        self.write("allowed.toml", f"[security]\nallow_degraded = [{names}]\n")
        self.write("p.py", program)
        return json.loads(self.on_host("run", "--json", "--config", "allowed.toml", *options, "p.py").stdout)


class NoLandlock(Host):
    make = None if "landlock" in LACKS else without_landlock

    def test_the_host_lacks_it(self):
        call = "import ctypes; libc = ctypes.CDLL(None, use_errno=True); print(libc.syscall(444, None, 0, 1), ctypes.get_errno())"
        done = subprocess.run([sys.executable, "-c", call], preexec_fn=type(self).__dict__["make"], capture_output=True, text=True,
                              check=True)
        self.assertEqual(done.stdout.split()[0], "-1", done.stdout)

    def test_doctor_names_it_and_what_mends_it(self):
        rows, told = self.doctor()
        row = rows["Landlock"]
        self.assertEqual(row["state"], "degraded")
        self.assertIn("allow_degraded", row["lost"])
        if "landlock" in LACKS:
            self.assertIn("boot with lsm=landlock", row["mend"])
        else:
            self.assertIn("seccomp", row["detail"])
            self.assertIn("landlock_create_ruleset", row["mend"])
        self.assertFalse(told["production"])
        self.assertIn("landlock", told["obstacle"])

    def test_every_profile_refuses_with_the_reason(self):
        for profile in ("development", "production", "strict"):
            said = self.refused("--profile", profile, said=("can't enforce landlock", "lsm=landlock", 'allow_degraded = ["landlock"]'))
            if profile == "development":
                self.assertNotIn("--profile development", said)

    def test_allowed_by_name_it_runs_and_says_what_is_weaker(self):
        for call in ("open('/etc/shadow')", "open('/usr/x', 'w')"):
            outcome = self.outcome_with("landlock", "memory", "cpu_time", program=f"try: {call}\nexcept OSError: print('kept out')")
            self.assert_outcome(outcome, status="exited", stdout="kept out\n")
            self.assertEqual(outcome["enforcement"]["landlock"], "none (degraded)")
            self.assertTrue(any("landlock" in warning and "one wall less" in warning for warning in outcome["warnings"]), outcome)


class NoUserNamespaces(Host):
    make = without_user_namespaces

    def test_doctor_names_the_setting_and_the_command(self):
        rows, told = self.doctor()
        row = rows["user namespaces"]
        self.assertEqual(row["state"], "absent")
        self.assertIn("user.max_user_namespaces is 0", row["detail"])
        self.assertIn("sysctl -w user.max_user_namespaces=", row["mend"])
        self.assertFalse(told["production"])

    def test_nothing_runs_and_the_reason_is_told(self):
        self.refused(said=("create the namespaces", "max_user_namespaces", "sandpit doctor"), reason=125)
        outcome = self.outcome_with("all")
        self.assert_outcome(outcome, status="sandbox_error", stdout="")
        self.assertIn("max_user_namespaces", outcome["message"])

    def test_nothing_is_left(self):
        state = self.dir / "state"
        state.mkdir(mode=0o700)
        env = {**self.env, "XDG_RUNTIME_DIR": str(state)}
        self.write("p.py", "print('ran')")
        self.assertEqual(self.on_host("run", "p.py", env=env).returncode, 125)
        # The slot was given back: the same host without the lack takes it.
        self.assertEqual(self.sandpit("run", "p.py", env=env).stdout, b"ran\n")


class NoCgroups(Host):
    make = without_cgroups

    def test_doctor_names_each_controller_and_what_mends_it(self):
        rows, told = self.doctor()
        for name in ("memory", "cpu time", "pids"):
            row = rows[f"cgroup {name}"]
            self.assertEqual(row["state"], "degraded", row)
            self.assertTrue(row["detail"], row)
            self.assertRegex(row["mend"], "mount|root|delegat|loginctl|mkdir", row)
        self.assertFalse(told["production"])
        self.assertIn("memory", told["obstacle"])

    def test_production_and_strict_refuse_with_the_reason(self):
        for profile in ("production", "strict"):
            self.refused("--profile", profile, said=("can't enforce memory", "can't enforce cpu_time", "to mend it: ", "--profile development"))

    def test_development_runs_and_says_in_one_line_what_is_weaker(self):
        self.write("p.py", "print('ran')")
        done = self.on_host("run", "p.py")
        self.assertEqual((done.returncode, done.stdout), (0, b"ran\n"), done.stderr)
        lines = [line for line in done.stderr.decode().splitlines() if line.strip()]
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], "weaker enforcement of memory, cpu_time: .*to mend it: ")

    def test_memory_and_cpu_time_are_held_by_sampling(self):
        outcome = self.outcome_with("memory", "cpu_time", options=("--memory", "64", "--timeout", "100", "--cpu-time", "60"),
                                    program="import time\nblock = [bytearray(1 << 20) for _ in range(40)]\n"
                                            "import os\nfor _ in range(3):\n  if os.fork() == 0: break\n"
                                            "for piece in block: piece[::4096] = b'x' * 256\ntime.sleep(60)")
        self.assert_outcome(outcome, status="memory_exceeded")
        self.assertIn("sampled", outcome["enforcement"]["memory"])
        outcome = self.outcome_with("memory", "cpu_time", options=("--cpu-time", "1", "--timeout", "100"), program="while True: pass")
        self.assert_outcome(outcome, status="cpu_time_exceeded")

    def test_processes_are_held_all_the_same(self):
        outcome = self.outcome_with("memory", "cpu_time", options=("--processes", "5"),
                                    program="import os\nmade = 0\ntry:\n  for _ in range(50):\n    if os.fork() == 0:\n"
                                            "      import time; time.sleep(60)\n    made += 1\nexcept BlockingIOError: print('made', made, flush=True)\n"
                                            "os._exit(0)")
        self.assert_outcome(outcome, status="exited", stdout="made 4\n")
        self.assertEqual(outcome["enforcement"]["processes"], "rlimit")


class Settings(Case):
    """The machine's own settings, changed by root and put back."""

    def setUp(self):
        super().setUp()
        if not os.environ.get("SANDPIT_TEST_ALONE") or os.geteuid() != 0:
            self.skipTest("SANDPIT_TEST_ALONE and root: settings of the whole machine are changed")
        self.dir.chmod(0o755)
        shutil.copy(sandpit_path(), self.dir / "sandpit")
        shutil.copytree(SOURCE / "runtimes", self.dir / "runtimes")
        self.env["SANDPIT_RUNTIMES_DIR"] = str(self.dir / "runtimes")
        self.write("p.py", "print('ran')")

    def set(self, name, value):
        path = pathlib.Path("/proc/sys") / name.replace(".", "/")
        if not path.exists():
            self.skipTest(f"a kernel with {name}")
        before = path.read_text()
        path.write_text(value)
        self.addCleanup(path.write_text, before)

    def as_nobody(self, *words):
        return subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "./sandpit", *words], cwd=self.dir,
                              env=self.env, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def rows(self, done):
        return {row["name"]: row for row in json.loads(done.stdout)["features"]}

    def test_no_user_namespaces_for_anybody(self):
        self.set("user.max_user_namespaces", "0")
        for run in (self.as_nobody, lambda *words: self.sandpit(*words, text=True, stdin=None)):
            row = self.rows(run("doctor", "--json"))["user namespaces"]
            self.assertEqual((row["state"], row["mend"]), ("absent", "sudo sysctl -w user.max_user_namespaces=15000"))
            done = run("run", "p.py")
            self.assertEqual((done.returncode, done.stdout), (125, ""), done.stderr)
            self.assertIn("sandpit doctor", done.stderr)

    def test_no_user_namespaces_for_ordinary_users(self):
        self.set("kernel.unprivileged_userns_clone", "0")
        row = self.rows(self.as_nobody("doctor", "--json"))["user namespaces"]
        self.assertEqual((row["state"], row["mend"]), ("absent", "sudo sysctl -w kernel.unprivileged_userns_clone=1"))
        done = self.as_nobody("run", "p.py")
        self.assertEqual((done.returncode, done.stdout), (125, ""), done.stderr)
        self.assertIn("sandpit doctor", done.stderr)
        # Root is exempt, and so are its runs.
        self.assertEqual(self.sandpit("run", "p.py").stdout, b"ran\n")

    def test_apparmor_keeps_them_without_capabilities(self):
        self.set("kernel.apparmor_restrict_unprivileged_userns", "1")
        row = self.rows(self.as_nobody("doctor", "--json"))["user namespaces"]
        self.assertEqual(row["state"], "absent")
        self.assertIn("apparmor_parser -r", row["mend"])


if __name__ == "__main__":
    main()
