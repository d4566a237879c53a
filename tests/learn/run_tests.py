#!/usr/bin/env python3
"""--trace, which lists file accesses that failed, and `sandpit learn`, which makes a profile of what a program was denied.

    tests/learn/run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]
"""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tomllib
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sandpit_tests  # noqa: E402
from sandpit_tests import PATIENCE, Case, sandpit_path, seconds  # noqa: E402

ROOT = os.geteuid() == 0


class TraceCase(Case):
    def setUp(self):
        super().setUp()
        self.dir.chmod(0o755)  # a run as root has an id of its own

    def trace(self, text, *options, **more):
        return self.program("main.py", text, "--trace", *options, **more)

    def failed(self, outcome):
        return {(row["path"], row["access"]): (row["errno"], row["count"]) for row in outcome["files_traced"]["failed"]}

    def hints(self, outcome):
        return {row["path"]: row["hint"] for row in outcome["files_traced"]["failed"] if row["hint"]}


# What each asks, and what errno the program itself sees: the same as the trace tells.
ATTEMPTS = """
import ctypes, errno, os, socket, sys
def tell(name, f):
    try: f(); print(name, 'ok')
    except OSError as e: print(name, errno.errorcode[e.errno])
os.mkdir('own'); open('own/file', 'w').close(); os.symlink('nowhere', 'dangling'); os.mkdir('closed'); os.mkdir('closed/in')
os.chmod('own/file', 0o400); os.chmod('closed', 0)
base = os.open('/usr', os.O_PATH)
tell('read', lambda: open('/srv/absent/read'))
tell('write', lambda: os.open('/srv/absent/write', os.O_WRONLY))
tell('create', lambda: open('/srv/absent/create', 'w'))
tell('create-usr', lambda: open('/usr/new', 'w'))
tell('write-usr', lambda: os.open('/usr/bin/env', os.O_WRONLY))
tell('write-own', lambda: os.open('own/file', os.O_RDWR))
tell('read-own', lambda: os.open('own/file', os.O_RDONLY))
tell('closed', lambda: os.stat('closed/in'))
tell('mkdir', lambda: os.mkdir('/usr/newdir'))
tell('unlink', lambda: os.unlink('/usr/bin/env'))
tell('rename', lambda: os.rename('/srv/absent/from', 'to'))
tell('symlink', lambda: os.symlink('x', '/usr/link'))
tell('link', lambda: os.link('/srv/absent/link', 'l'))
tell('chdir', lambda: os.chdir('/srv/absent/dir'))
tell('exec', lambda: os.execv('/srv/absent/exec', ['x']))
tell('stat', lambda: os.stat('/srv/absent/stat'))
tell('lstat', lambda: os.lstat('dangling'))
tell('dangling', lambda: os.stat('dangling'))
tell('readlink', lambda: os.readlink('/srv/absent/readlink'))
tell('truncate', lambda: os.truncate('/srv/absent/truncate', 0))
tell('chmod', lambda: os.chmod('/usr/bin/env', 0o700))
tell('utime', lambda: os.utime('/srv/absent/utime'))
tell('notdir', lambda: os.stat('own/file/x'))
tell('relative', lambda: os.open('../../srv/absent/relative', os.O_RDONLY))
tell('at', lambda: os.open('../srv/absent/at', os.O_RDONLY, dir_fd=base))
tell('fine', lambda: os.stat('own'))
tell('fine-usr', lambda: os.listdir('/usr/bin'))
"""
EXPECTED = {
    ("/srv/absent/read", "read"): ("read", "ENOENT"), ("/srv/absent/write", "write"): ("write", "ENOENT"),
    ("/srv/absent/create", "create"): ("create", "ENOENT"), ("/usr/new", "create"): ("create-usr", "EROFS"),
    ("/usr/bin/env", "write"): ("write-usr", "EROFS"), ("/work/own/file", "write"): ("write-own", "EACCES"),
    ("/work/closed/in", "look"): ("closed", "EACCES"), ("/usr/newdir", "create"): ("mkdir", "EROFS"),
    ("/usr/bin/env", "remove"): ("unlink", "EROFS"), ("/srv/absent/from", "remove"): ("rename", "ENOENT"),
    ("/usr/link", "create"): ("symlink", "EROFS"), ("/srv/absent/link", "look"): ("link", "ENOENT"),
    ("/srv/absent/dir", "enter"): ("chdir", "ENOENT"), ("/srv/absent/exec", "execute"): ("exec", "ENOENT"),
    ("/srv/absent/stat", "look"): ("stat", "ENOENT"), ("/work/dangling", "look"): ("dangling", "ENOENT"),
    ("/srv/absent/readlink", "look"): ("readlink", "ENOENT"), ("/srv/absent/truncate", "write"): ("truncate", "ENOENT"),
    ("/usr/bin/env", "change"): ("chmod", "EROFS"), ("/srv/absent/utime", "change"): ("utime", "ENOENT"),
    ("/work/own/file/x", "look"): ("notdir", "ENOTDIR"), ("/srv/absent/relative", "read"): ("relative", "ENOENT"),
    ("/srv/absent/at", "read"): ("at", "ENOENT"),
}


class Trace(TraceCase):
    def test_each_kind_of_access_with_the_errno_that_the_program_gets(self):
        outcome = self.trace(ATTEMPTS)
        self.assert_outcome(outcome, status="exited", exit_code=0)
        said = dict(line.split() for line in outcome["stdout"].splitlines())
        failed = self.failed(outcome)
        self.assertNotIn("missing", outcome["files_traced"])
        for key, (name, error) in EXPECTED.items():
            with self.subTest(name):
                # On the one read-only root, EROFS and EACCES are the kernel's order of looking: what the program got counts.
                self.assertEqual(failed.get(key, ("", 0))[0], said[name], (key, failed))
                self.assertIn(said[name], (error, "EACCES", "EPERM"))
        mine = {key: value for key, value in failed.items() if key[0].startswith(("/srv/", "/work/own", "/work/closed"))}
        self.assertEqual(set(mine) - set(EXPECTED), set())
        self.assertEqual((said["fine"], said["fine-usr"], said["lstat"], said["read-own"]), ("ok",) * 4)

    def test_only_when_it_is_asked_for(self):
        self.assertNotIn("files_traced", self.program("main.py", "open('/usr/x/y') if 0 else 1"))
        self.write("main.py", "print(1)")
        plan = json.loads(self.sandpit("run", "--explain", "main.py").stdout)
        traced = json.loads(self.sandpit("run", "--explain", "--trace", "main.py").stdout)
        self.assertEqual((plan["seccomp"]["traces_files"], traced["seccomp"]["traces_files"]), (False, True))

    def test_what_exists_on_the_host_comes_first_with_the_option_that_shows_it(self):
        data = self.write("some data.csv", "1\n")
        self.write("out/there", "")
        outcome = self.trace("import os, sys\n"
                             "for path in ['/nowhere/at/all', sys.argv[1], 'some data.csv', sys.argv[2] + '/new']:\n"
                             "    try: open(path, 'w' if path.endswith('new') else 'r')\n"
                             "    except OSError as e: print(type(e).__name__)\n", arguments=[str(data), str(self.dir / "out")])
        rows = outcome["files_traced"]["failed"]
        self.assertEqual(self.hints(outcome), {
            str(data): f"--read '{data}'", "/work/some data.csv": f"--read '{data}:/work/some data.csv'",
            str(self.dir / "out/new"): f"--write {self.dir}/out"})
        hinted = [bool(row["hint"]) for row in rows]
        self.assertEqual(hinted, sorted(hinted, reverse=True))
        self.assertIn(("/nowhere/at/all", "read"), self.failed(outcome))
        # What the hints say is what helps.
        outcome = self.trace("print(open('some data.csv').read())", "--read", f"{data}:/work/some data.csv")
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout="1\n\n")

    def test_a_grant_that_is_read_only(self):
        target = self.write("data/file", "")
        outcome = self.trace(f"open({str(target)!r}, 'w')", "--read", str(self.dir / "data"))
        self.assertEqual(self.hints(outcome), {str(target): f"--write {self.dir}/data"})
        self.assertEqual(self.failed(outcome)[(str(target), "create")][0], "EROFS" if ROOT else self.failed(outcome)[(str(target), "create")][0])

    def test_the_searches_of_an_interpreter_are_only_counted(self):
        outcome = self.trace("import json, decimal, sqlite3\nprint(1)")
        self.assertGreater(outcome["files_traced"]["absent"], 5)
        self.assertLess(len(outcome["files_traced"]["failed"]), 30)

    def test_lines_after_the_output(self):
        data = self.write("data.csv", "1\n")
        self.write("main.py", f"import os\nfor i in range(3): os.path.exists({str(data)!r})\nprint('done')")
        done = self.sandpit("run", "--trace", "main.py")
        self.assertEqual((done.returncode, done.stdout), (0, b"done\n"))
        self.assertIn(f"sandpit: failed 3x: look {data} (ENOENT); allow with --read {data}\n", done.stderr.decode())
        self.assertEqual(self.sandpit("run", "--trace", "--quiet", "main.py").stderr, b"")

    def test_a_command_of_the_host(self):
        data = self.write("data.csv", "1\n")
        done = self.sandpit("exec", "--trace", "--json", "--", "cat", str(data))
        outcome = json.loads(done.stdout)
        self.assertEqual(outcome["exit_code"], 1)
        self.assertEqual(self.hints(outcome), {str(data): f"--read {data}"})

    def test_denials_and_limits_are_told_beside_it(self):
        outcome = self.trace("import ctypes, os\nctypes.CDLL(None).chroot(b'/a')\nos.path.exists('/srv/absent')")
        self.assertEqual([row["call"] for row in outcome["denials"]], ["chroot"])
        self.assertIn(("/srv/absent", "look"), self.failed(outcome))

    def test_of_the_program_and_not_of_its_compiler(self):
        if not os.path.exists("/usr/bin/gcc"):
            self.skipTest("gcc")
        self.write("main.c", "#include <stdio.h>\nint main(void) { return fopen(\"/srv/absent\", \"r\") != 0; }\n")
        outcome = self.outcome("main.c", "--trace")
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertEqual(list(self.failed(outcome)), [("/srv/absent", "read")])
        self.assertNotIn("files_traced", outcome["compile"])

    def test_it_and_no_report_contradict_each_other(self):
        self.write("main.py", "print(1)")
        done = self.sandpit("run", "--trace", "--no-denials", "main.py")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"contradict", done.stderr)

    def test_not_of_modules(self):
        self.write("main.wat", "(module (func (export \"_start\")))")
        if sandpit_tests.worker_state() != "ready":
            self.skipTest("the WebAssembly worker")
        done = self.sandpit("run", "--trace", "main.wat")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(b"can't be traced", done.stderr)


class TraceHostile(TraceCase):
    def test_a_hundred_thousand_different_paths_take_a_bounded_list(self):
        outcome = self.trace("import os\nfor i in range(20000): os.path.exists('/srv/%d' % i)\nprint('done')",
                             "--timeout", seconds(60), "--cpu-time", seconds(60))
        self.assert_outcome(outcome, status="exited", stdout="done\n")
        self.assertEqual(len(outcome["files_traced"]["failed"]), 256)
        self.assertGreater(outcome["files_traced"]["unlisted"], 19000)

    def test_long_ones_take_no_more_room(self):
        outcome = self.trace("import os\nfor i in range(300): os.path.exists('/srv/%d/' % i + '/'.join(['x' * 200] * 19))")
        self.assert_outcome(outcome, status="exited", exit_code=0)
        total = sum(len(row["path"]) for row in outcome["files_traced"]["failed"])
        self.assertLessEqual(total, 32 << 10)
        self.assertGreater(outcome["files_traced"]["unlisted"], 200)

    def test_names_of_any_bytes(self):
        names = [b"/srv/a\"b", b"/srv/a\nb", b"/srv/\x1b[2J", b"/srv/\xff\xfe", "/srv/‮".encode(), b"/srv/]]]\n[security]\n"]
        outcome = self.trace(f"import os\nfor name in {names!r}: os.path.exists(name)")
        self.assertEqual(sum(path.startswith("/srv/") for path, _ in self.failed(outcome)), len(names))
        self.assertEqual(self.hints(outcome), {})
        done = self.sandpit("run", "--trace", "main.py")
        self.assertNotIn(b"\x1b", done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(sum(line.startswith(b"sandpit: failed: look /srv/") for line in lines), len(names), done.stderr)
        self.assertTrue(all(line.startswith(b"sandpit: ") for line in lines), done.stderr)

    def test_a_path_that_changes_while_it_is_looked_at(self):
        """Whatever the trace reads, the kernel looks at the path itself, and the walls are those of any run."""
        secret = self.write("secret", "s3cret")
        outcome = self.trace(
            "import ctypes, os, threading\n"
            "libc = ctypes.CDLL(None)\n"
            f"good, bad = b'/usr/bin/env'.ljust(200, b'\\0'), {str(secret).encode()!r}.ljust(200, b'\\0')\n"
            "buffer = ctypes.create_string_buffer(good, 200)\n"
            "stop = False\n"
            "def change():\n"
            "    while not stop:\n"
            "        ctypes.memmove(buffer, bad, 200); ctypes.memmove(buffer, good, 200)\n"
            "thread = threading.Thread(target=change); thread.start()\n"
            "seen = set()\n"
            "for i in range(2000):\n"
            "    fd = libc.open(buffer, 0)\n"
            "    if fd >= 0: seen.add(os.read(fd, 6)); os.close(fd)\n"
            "stop = True\n"
            "print(b's3cret' in seen)\n", "--timeout", seconds(40), "--cpu-time", seconds(40))
        self.assert_outcome(outcome, status="exited", stdout="False\n")

    def test_links_and_loops_and_what_lies_outside(self):
        """The jail's root stays the root of every look: a link to the host's files leads nowhere."""
        secret = self.write("secret", "s3cret")
        outcome = self.trace(
            "import os\n"
            f"os.symlink({str(secret)!r}, 'to-host'); os.symlink('a', 'b'); os.symlink('b', 'a')\n"
            "os.symlink('/proc/self/root', 'magic'); os.symlink('/' + '../' * 300 + 'etc/hostname', 'climb')\n"
            "for path in ['to-host', 'a', 'magic/etc/shadow', 'climb', '/proc/1/root/etc/shadow', '/proc/self/cwd/x', '/dev/fd/99']:\n"
            "    try: open(path)\n"
            "    except OSError as e: print(path, e.errno)\n")
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertEqual(self.failed(outcome)[("/work/to-host", "read")][0], "ENOENT")
        self.assertNotIn("/proc", "".join(path for path, _ in self.failed(outcome)))

    def test_fifos_and_sockets_make_nobody_wait(self):
        outcome = self.trace(
            "import os, socket\nos.mkfifo('fifo'); os.chmod('fifo', 0)\n"
            "s = socket.socket(socket.AF_UNIX); s.bind('socket')\n"
            "for path in ('fifo', 'socket'):\n"
            "    try: os.open(path, os.O_RDONLY | os.O_NONBLOCK)\n"
            "    except OSError as e: print(e.errno)\nprint('done')")
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertEqual(self.failed(outcome)[("/work/fifo", "read")][0], "EACCES")

    def test_processes_that_are_killed_while_they_wait(self):
        outcome = self.trace(
            "import os, random, signal, time\n"
            "for round in range(30):\n"
            "    children = []\n"
            "    for i in range(4):\n"
            "        pid = os.fork()\n"
            "        if pid == 0:\n"
            "            while True: os.path.exists('/srv/a')\n"
            "        children.append(pid)\n"
            "    time.sleep(random.random() / 100)\n"
            "    for pid in children: os.kill(pid, signal.SIGKILL)\n"
            "    for pid in children: os.waitpid(pid, 0)\n"
            "os.path.exists('/srv/b')\nprint('done')", "--timeout", seconds(40), "--cpu-time", seconds(40))
        self.assert_outcome(outcome, status="exited", stdout="done\n")
        self.assertIn(("/srv/b", "look"), self.failed(outcome))

    def test_memory_that_is_not_there(self):
        outcome = self.trace(
            "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.syscall.argtypes = [ctypes.c_long] * 4\n"
            "for number in (2, 4, 21, 59, 82, 257, 262):\n"
            "    for address in (0, 1, 4096, -1, -4096, 1 << 47, (1 << 63) - 1): libc.syscall(number, address, address, 0)\n"
            "print('done')")
        self.assert_outcome(outcome, status="exited", stdout="done\n")

    def test_a_walled_run_has_the_walls_of_any_other(self):
        """A trace adds no right: what the filter denies is denied, and what it allows is what it allowed."""
        text = ("import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\n"
                "for number, arguments in ((161, (b'/',)), (165, (0, 0, 0, 0, 0)), (437, (-100, b'/', 0, 0)), (2, (b'/tmp/s', 0o102, 0o4755)),\n"
                "                          (90, (b'/tmp', 0o4755)), (133, (b'/tmp/d', 0o60644, 0))):\n"
                "    ctypes.set_errno(0); r = libc.syscall(number, *arguments); print(number, r < 0 and errno.errorcode[ctypes.get_errno()])\n")
        self.assertEqual(self.trace(text)["stdout"], self.program("main.py", text)["stdout"])


class LearnCase(TraceCase):
    def learn(self, text, *options, arguments=(), status=0, name="main.py"):
        self.write(name, text)
        (self.dir / "learned.toml").unlink(missing_ok=True)
        done = self.sandpit("learn", "-o", "learned.toml", *options, "--", name, *arguments)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        self.said = done.stderr.decode()
        self.toml = (self.dir / "learned.toml").read_text()
        return tomllib.loads(self.toml)["profiles"]["main"]

    def enforced(self, name, *arguments, toml=None):
        if toml is not None:
            self.write("learned.toml", toml)
        return self.sandpit("run", "--json", "--config", "learned.toml", "--profile", "main", name, *arguments)

    def assert_smallest(self, *arguments, name="main.py"):
        """Without any line that gives something it does not pass."""
        whole = self.toml
        granting = [line for line in whole.splitlines()
                    if line and line[0] not in "#[]" and not line.startswith("inherits") and not line.endswith("[")]
        self.assertTrue(granting, whole)
        for line in granting:
            without = whole.replace(line + "\n", "", 1)
            done = self.enforced(name, *arguments, toml=without)
            self.assertNotEqual(done.returncode, 0, f"passes without {line}")
        self.write("learned.toml", whole)

    def paths(self, profile):
        return profile.get("security", {}).get("allowed_paths", [])


class Learn(LearnCase):
    def test_a_program_that_needs_nothing(self):
        self.assertEqual(self.learn("print(1)"), {"inherits": "development"})
        self.assertEqual(self.enforced("main.py").returncode, 0)

    def test_a_file_below_the_current_directory(self):
        data, other = self.write("data/in.csv", "1,2\n"), self.write("data/other.csv", "3\n")
        profile = self.learn("import sys\nprint(open(sys.argv[1]).read())", arguments=[str(data)])
        self.assertEqual(self.paths(profile), [{"path": str(data)}])
        done = self.enforced("main.py", str(data))
        self.assertEqual(json.loads(done.stdout)["stdout"], "1,2\n\n")
        self.assertNotEqual(self.enforced("main.py", str(other)).returncode, 0)
        self.assert_smallest(str(data))

    def test_a_name_relative_to_the_current_directory(self):
        self.write("in.csv", "1,2\n")
        profile = self.learn("print(open('in.csv').read())")
        self.assertEqual(self.paths(profile), [{"path": str(self.dir / "in.csv"), "inside": "/work/in.csv"}])
        self.assert_smallest()

    def test_one_file_after_the_other_and_a_directory(self):
        self.write("a", "b"), self.write("b", "c")
        for i in range(3):
            self.write(f"c/{i}", str(i))
        profile = self.learn(
            "import os\nname = os.path.join(HERE, 'a')\n"
            "for i in range(2): name = os.path.join(HERE, open(name).read())\n"
            "print(sorted(os.listdir(name)), open(name + '/2').read())\n".replace("HERE", repr(str(self.dir))))
        self.assertEqual({row["path"] for row in self.paths(profile)}, {str(self.dir / name) for name in "abc"})
        self.assert_smallest()

    def test_what_it_does_without_is_left_out(self):
        self.write("needed", "1"), self.write("optional", "2")
        profile = self.learn(f"import os\nos.chdir('/')\ntry: open('{self.dir}/optional')\nexcept OSError: pass\n"
                             f"print(open('{self.dir}/needed').read())")
        self.assertEqual([row["path"] for row in self.paths(profile)], [str(self.dir / "needed")])
        self.assertIn("optional", self.toml.split("does the same without")[1])

    def test_a_program_that_hides_its_errors(self):
        """It ends with 0 either way, and says something else."""
        self.write("in", "1")
        profile = self.learn(f"try: print(open('{self.dir}/in').read())\nexcept OSError: print('none')")
        self.assertEqual([row["path"] for row in self.paths(profile)], [str(self.dir / "in")])

    def test_outside_of_it_only_when_asked(self):
        outside = sandpit_tests.private_directory("sandpit-learn-") / "file"
        outside.write_text("1")
        text = f"print(open({str(outside)!r}).read())"
        profile = self.learn(text, status=1)
        self.assertEqual(self.paths(profile), [])
        self.assertIn(f'#   {{ path = "{outside}" }},', self.toml)
        self.assertIn("--allow read", self.toml)
        self.assertIn("does not pass", self.said)
        self.assertEqual(self.paths(self.learn(text, "--allow", "read")), [{"path": str(outside)}])

    def test_a_directory_that_it_writes_into(self):
        out = self.dir / "out"
        out.mkdir()
        if not ROOT:
            out.chmod(0o777)
        text = f"open('{out}/result', 'w').write('x')\nprint(open('{out}/result').read())"
        profile = self.learn(text, status=1)
        self.assertEqual(self.paths(profile), [])
        self.assertIn("--allow write", self.toml)
        self.assertEqual(list(out.iterdir()), [])
        profile = self.learn(text, "--allow", "write")
        self.assertEqual(self.paths(profile), [{"path": str(out), "access": "rw"}])
        self.assertEqual((out / "result").read_text(), "x")
        self.assert_smallest()
        # What is beside it inside is the run's own volume.
        self.write("other.py", f"open('{self.dir}/elsewhere', 'w')")
        self.enforced("other.py")
        self.assertFalse((self.dir / "elsewhere").exists())

    def test_a_system_call(self):
        text = "import ctypes, sys\nsys.exit(ctypes.CDLL(None).syscall(135, 0x40000) < 0)\n"
        self.assertNotIn("security", self.learn(text, status=1))
        self.assertIn("--allow syscalls", self.toml)
        self.assertEqual(self.learn(text, "--allow", "syscalls")["security"], {"allow_syscalls": ["personality"]})
        self.assert_smallest()
        self.write("other.py", "import ctypes, sys\nsys.exit(ctypes.CDLL(None).syscall(310, 1, 0, 0, 0, 0, 0) < 0)")
        self.assertNotEqual(self.enforced("other.py").returncode, 0)

    def test_memory(self):
        profile = self.learn("x = bytearray(600 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\nprint(len(x))")
        limit = profile["resource_limits"]["memory_limit_mb"]
        self.assertTrue(600 < limit < 1024, limit)
        self.assertEqual(list(profile["resource_limits"]), ["memory_limit_mb"])
        self.assert_smallest()

    def test_time(self):
        self.write("sandbox.toml", "")
        (self.dir / "home/.config/sandpit").mkdir(parents=True)
        self.write("home/.config/sandpit/sandbox.toml", "[resource_limits]\ncpu_time_limit_s = 1\ntimeout_s = 1\n")
        if "XDG_CONFIG_HOME" in self.env:
            del self.env["XDG_CONFIG_HOME"]
        profile = self.learn(f"import time\ntime.sleep({seconds(2)})\nprint('done')")
        self.assertEqual(list(profile["resource_limits"]), ["timeout_s"])
        self.assert_smallest()

    def test_no_limit_is_raised_without_bound(self):
        profile = self.learn("x = []\nwhile True: x.append(bytearray(1 << 20))", "--runs", "12", status=1)
        self.assertIn("memory_limit_mb", self.toml)
        self.assertLessEqual(profile.get("resource_limits", {}).get("memory_limit_mb", 0), 8192)

    def test_it_has_arguments_and_standard_input(self):
        self.write("in", "42\n")
        self.learn("import sys\nassert input() == '42' and sys.argv[1:] == ['-x', '--']", "--stdin", "in", arguments=["-x", "--"])

    def test_a_command_of_the_host(self):
        data = self.write("data.csv", "1\n")
        done = self.sandpit("learn", "--exec", "cat", str(data))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(tomllib.loads(done.stdout.decode())["profiles"]["cat"]["security"]["allowed_paths"], [{"path": str(data)}])
        self.assertIn(b"sandpit exec --config THIS-PROFILE --profile cat cat", done.stderr)

    def test_options(self):
        self.write("main.py", "print(1)")
        self.write("there.toml", "old")
        for options, text in ((["-o", "there.toml"], "exists"), (["--allow", "all"], "nothing to allow"), (["--name", "a.b"], "profile"),
                              (["--name", "strict"], "built-in"), (["--runs", "0"], "--runs"), (["--nmae", "x"], 'did you mean "--name"'),
                              (["--profile", "nobody"], "nobody"), (["-o", "no/such/dir"], "cannot write")):
            with self.subTest(options):
                done = self.sandpit("learn", *options, "main.py")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(text, done.stderr.decode())
        self.assertEqual((self.dir / "there.toml").read_text(), "old")
        self.assertEqual(self.sandpit("learn", "--force", "-q", "-o", "there.toml", "main.py").stderr, b"")
        self.assertIn("[profiles.main]", (self.dir / "there.toml").read_text())
        self.assertEqual(self.sandpit("learn", "nothing-there.py").returncode, 2)

    def test_it_inherits_what_it_was_learned_over(self):
        profile = self.learn("print(1)", "--profile", "production") if ROOT else self.learn("print(1)", "--profile", "development")
        self.assertEqual(profile, {"inherits": "production" if ROOT else "development"})


class LearnNetwork(LearnCase):
    """Servers in a network namespace of this suite's own, as in tests/egress."""

    @classmethod
    def setUpClass(cls):
        proxy = pathlib.Path(sandpit_path()).resolve().parent / "libexec/sandpit/egress-proxy"
        if not proxy.exists():
            raise unittest.SkipTest("the egress proxy")

    def inside(self, text, *options, status):
        """The same learn, in namespaces with a server at 93.184.216.34:8080, which is public.test."""
        egress = pathlib.Path(__file__).resolve().parents[1] / "egress/run_tests.py"
        if not egress.exists():
            self.skipTest("tests/egress beside this suite")
        self.write("main.py", text)
        self.write("server.py",
                   "import importlib.util, socket, subprocess, sys, threading\n"
                   f"sys.path.insert(0, {str(egress.parents[1] / 'support')!r})\n"
                   f"spec = importlib.util.spec_from_file_location('egress', {str(egress)!r})\n"
                   "egress = importlib.util.module_from_spec(spec); spec.loader.exec_module(egress)\n"
                   "egress.own_internet()\n"
                   "server = socket.create_server((egress.PUBLIC, 8080))\n"
                   "threading.Thread(target=egress.echo, args=[server], daemon=True).start()\n"
                   "sys.exit(subprocess.run(sys.argv[1:]).returncode)\n")
        (self.dir / "learned.toml").unlink(missing_ok=True)
        done = subprocess.run([sys.executable, "server.py", sandpit_path(), "learn", "-o", "learned.toml", *options, "main.py"],
                              cwd=self.dir, env=self.env, capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        self.toml = (self.dir / "learned.toml").read_text()
        return tomllib.loads(self.toml)["profiles"]["main"]

    CONNECT = ("import socket\ns = socket.create_connection(('public.test', 8080), 5)\ns.sendall(b'hello'); s.shutdown(1)\n"
               "assert s.recv(100) == b'5:hello'\n")

    def test_a_host_by_its_name_when_asked(self):
        profile = self.inside(self.CONNECT, status=1)
        self.assertNotIn("security", profile)
        self.assertIn('public.test', self.toml)
        self.assertIn("--allow net", self.toml)
        profile = self.inside(self.CONNECT, "--allow", "net", status=0)
        self.assertEqual(profile["security"], {"network": {"mode": "allow", "hosts": ["public.test:8080"]}})

    def test_an_address(self):
        profile = self.inside(self.CONNECT.replace("public.test", "93.184.216.34"), "--allow", "net", status=0)
        self.assertEqual(profile["security"], {"network": {"mode": "allow", "hosts": ["93.184.216.34:8080"]}})

    def test_a_loopback_of_its_own(self):
        profile = self.learn("import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
                             "socket.create_connection(server.getsockname(), 5)\n")
        self.assertEqual(profile["security"], {"network": {"mode": "loopback"}})
        self.assert_smallest()


class LearnHostile(LearnCase):
    def test_secrets_are_never_granted(self):
        home = self.dir / "home"
        self.env["HOME"] = str(home)
        secrets = [".ssh/id_ed25519", ".gnupg/key", ".aws/credentials", ".config/app/token", ".netrc"]
        for name in secrets:
            self.write(f"home/{name}", "secret")
        self.write("project/.env", "secret"), self.write("project/server.pem", "secret")
        os.symlink(home / ".ssh/id_ed25519", self.dir / "innocent.txt")
        paths = [str(home / name) for name in secrets] + [str(self.dir / "project/.env"), str(self.dir / "project/server.pem"),
                                                          str(self.dir / "innocent.txt"), str(home), str(self.dir / "project"), "/etc/shadow"]
        profile = self.learn(
            f"import os, sys\nlost = 0\nfor path in {paths!r}:\n"
            "    try: (os.listdir if os.path.isdir(path) else open)(path); print(path)\n"
            "    except OSError: lost += 1\nsys.exit(lost)\n", "--allow", "read,write,net,syscalls", status=1)
        self.assertEqual(profile, {"inherits": "development"})
        granted = [line for line in self.toml.splitlines() if "path =" in line and not line.startswith("#")]
        self.assertEqual(granted, [])
        for name in [".ssh/id_ed25519", ".config/app/token", "project/.env", "innocent.txt"]:
            self.assertTrue(re.search(rf"^#   .*{re.escape(name)}", self.toml, re.MULTILINE), (name, self.toml))

    def test_names_that_would_be_toml(self):
        names = ['a"b', "a\\b", "a' = 'b", 'x" }, { path = "', "]", "#x", "a\nallowed_paths = [\"", "\x1b[2J", "‮txt"]
        for name in names:
            self.write(name, "1")
        text = (f"import sys\nlost = 0\nfor name in {names!r}:\n"
                "    try: open(HERE + '/' + name)\n    except OSError: lost += 1\nsys.exit(lost > 3)\n").replace("HERE", repr(str(self.dir)))
        profile = self.learn(text)
        paths = {row["path"] for row in self.paths(profile)}
        self.assertLessEqual(paths, {str(self.dir / name) for name in names[:6]})
        self.assertEqual(len(paths), 6)
        self.assertEqual(set(profile), {"inherits", "security"})
        self.assertEqual(set(profile["security"]), {"allowed_paths"})
        self.assertNotIn("\x1b", self.toml)
        self.assertEqual(self.sandpit("config", "check", "--config", "learned.toml").returncode, 0)

    def test_a_name_that_is_not_text(self):
        os.close(os.open(os.fsencode(self.dir) + b"/\xff", os.O_CREAT | os.O_WRONLY, 0o644))
        profile = self.learn(f"open({os.fsencode(self.dir)!r} + b'/\\xff')", status=1)
        self.assertEqual(profile, {"inherits": "development"})
        self.assertIn("can be reviewed", self.toml)

    def test_thousands_of_files(self):
        for i in range(400):
            self.write(f"many/{i:03}", "1")
            self.write(f"apart/{i:03}/file", "1")
        text = "import os, sys\nsys.exit(sum(not os.path.exists(PATH % i) for i in range(400)) > 0)"
        profile = self.learn(text.replace("PATH", f"'{self.dir}/many/%03d'"), "--runs", "8")
        self.assertEqual(self.paths(profile), [{"path": str(self.dir / "many")}])
        profile = self.learn(text.replace("PATH", f"'{self.dir}/apart/%03d/file'"), "--runs", "5", status=1)
        self.assertLessEqual(len(self.paths(profile)), 128)
        self.learn("import os\nfor i in range(5000): os.path.exists('/srv/%d' % i)", "--runs", "8")

    def test_it_ends_after_so_many_runs(self):
        for i in range(30):
            self.write(f"chain/{i}", f"{self.dir}/chain/{i + 1}")
        self.learn(f"name = '{self.dir}/chain/0'\nfor i in range(30): name = open(name).read()", "--runs", "6", status=1)
        self.assertIn("after 6 runs", self.toml)

    def test_a_program_that_is_never_content(self):
        """It asks for something else each time, and fails."""
        for i in range(40):
            self.write(f"f/{i}", "")
        self.learn(f"import random, sys\nopen('{self.dir}/f/%d' % random.randrange(40))\nsys.exit(1)", "--runs", "10", status=1)
        self.assertNotIn("passed with it", self.toml)

    def test_a_link_that_is_turned_round_later(self):
        """What is granted is where it led to when it was looked at."""
        self.write("real", "1")
        self.write("home/.ssh/id_rsa", "secret")
        os.symlink("real", self.dir / "link")
        profile = self.learn(f"print(open('{self.dir}/link').read())")
        self.assertEqual(self.paths(profile), [{"path": str(self.dir / "real"), "inside": str(self.dir / "link")}])
        os.unlink(self.dir / "link")
        os.symlink("home/.ssh/id_rsa", self.dir / "link")
        self.assertEqual(json.loads(self.enforced("main.py").stdout)["stdout"], "1\n")

    def test_a_link_that_it_lays_itself(self):
        """Where it may write, by one name; what it has read there by another must not become something else."""
        self.write("home/.ssh/id_rsa", "secret")
        self.write("data/f", "harmless")
        (self.dir / "data").chmod(0o777)
        text = ("import os, sys\nhere = HERE\ntry: text = open('data/f').read()\nexcept OSError: text = ''\n"
                "open(here + '/data/x', 'w').close()\n"
                "if os.path.isfile(here + '/data/f') and not os.path.islink(here + '/data/f'):\n"
                "    os.unlink(here + '/data/f'); os.symlink(here + '/home/.ssh/id_rsa', here + '/data/f')\n"
                "sys.exit('secret' not in text)\n")
        profile = self.learn(text.replace("HERE", repr(str(self.dir))), "--allow", "write", status=1)
        self.assertEqual([row["path"] for row in self.paths(profile)], [str(self.dir / "data")])
        self.assertIn("could become a link", self.toml)

    def test_who_listens_on_a_socket_below_is_not_reached(self):
        (self.dir / "state").mkdir()
        with socket.socket(socket.AF_UNIX) as agent:
            agent.bind(str(self.dir / "state/agent"))
            (self.dir / "state/agent").chmod(0o777)
            agent.listen()
            agent.settimeout(0)
            self.learn("import os, socket\nos.listdir('state')\nsocket.socket(socket.AF_UNIX).connect('state/agent')\n", status=1)
            with self.assertRaises(BlockingIOError):
                agent.accept()
        self.assertIn("it holds a socket", self.toml)

    def test_through_proc_and_dev(self):
        profile = self.learn("import os\n"
                             "for path in ['/proc/self/root/etc/shadow', '/proc/1/environ', '/dev/mem', '/proc/self/fd/99', '/sys/power/state']:\n"
                             "    try: open(path)\n    except OSError: pass", "--allow", "read,write")
        self.assertEqual(profile, {"inherits": "development"})

    def test_credentials_of_the_machine(self):
        self.learn("import socket, sys\ns = socket.socket(); s.settimeout(3)\n"
                   "sys.exit(s.connect_ex(('169.254.169.254', 80)) != 0)", "--allow", "net", status=1)
        self.assertNotIn("\nnetwork", self.toml)
        self.assertIn("credentials", self.toml)

    def test_nothing_at_all(self):
        self.write("in", "1")
        profile = self.learn(f"open('{self.dir}/in')", "--allow", "none", status=1)
        self.assertEqual(profile, {"inherits": "development"})

    def test_a_program_that_can_not_be_run(self):
        self.write("main.py", "def (")
        done = self.sandpit("learn", "main.py")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"does not pass", done.stderr)
        self.assertEqual(self.sandpit("learn", "no-such.py").returncode, 2)

    def test_an_interrupt_ends_it(self):
        self.write("main.py", "import time\ntime.sleep(8)")
        run = subprocess.Popen([sandpit_path(), "learn", "main.py"], cwd=self.dir, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            run.communicate(timeout=1.5)
        except subprocess.TimeoutExpired:
            pass
        run.terminate()
        out, _ = run.communicate(timeout=PATIENCE)
        self.assertEqual((run.returncode, out), (130, b""))


if __name__ == "__main__":
    sandpit_tests.main()
