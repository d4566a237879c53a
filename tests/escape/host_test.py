"""What belongs to the host: its files, processes, environment, descriptors and terminals."""

import os
import pathlib
import pty
import subprocess
import sys
import uuid

from escape_case import Escape
from sandpit_tests import PATIENCE, sandpit_path


class HostFiles(Escape):
    def test_password_hashes(self):
        self.assert_contained("read_shadow.py")
        self.assert_real("read_shadow.py")

    def test_files_and_directories_of_the_host(self):
        mark = self.write("mark", "host")
        places = [str(mark), str(self.dir), "/root", "/home", "/var", "/etc/hostname", "/etc/ssh", "/boot", "/sys", "/run",
                  str(pathlib.Path(__file__).resolve()), "/etc/sandpit", "/opt", "/srv", "/mnt"]
        self.assert_contained("read_host_files.py", *places)
        self.assert_real("read_host_files.py", *places)

    def test_files_of_the_host_by_a_shell(self):
        mark = self.write("mark", "host")
        self.assert_contained("read_host_files.sh", mark)
        self.assert_real("read_host_files.sh", mark)

    def test_files_of_the_host_by_node(self):
        mark = self.write("mark", "host")
        self.assert_contained("read_host_files.js", mark)
        self.assert_real("read_host_files.js", mark)
        for link in pathlib.Path("/tmp").glob("link-*"):
            if link.is_symlink() and os.readlink(link) == str(mark):
                link.unlink()

    def test_users_of_the_host(self):
        line = next(line for line in pathlib.Path("/etc/passwd").read_text().splitlines() if line.startswith("daemon:"))
        self.assert_contained("read_passwd.py", line)
        self.assert_real("read_passwd.py", line)

    def test_the_original_beside_the_copied_source(self):
        self.write("beside.py", "WORD = 1")
        outcome = self.program("main.py", "import os; print(sorted(os.listdir('.')))")
        self.assert_outcome(outcome, stdout="['main.py']\n")

    def test_the_copied_source_can_be_changed_without_changing_the_original(self):
        self.program("main.py", "open(__file__, 'w').write('changed')")
        self.assertEqual((self.dir / "main.py").read_text(), "open(__file__, 'w').write('changed')")


class HostProcesses(Escape):
    def test_they_are_not_seen(self):
        word = "sandpit-mark-" + uuid.uuid4().hex[:8]
        self.sleeper(word)
        # The program's own argument must not be what it finds.
        self.assert_contained("see_processes.py", word)
        self.assert_real("see_processes.py", word)

    def test_they_cannot_be_killed(self):
        sleeper = self.sleeper()
        self.assert_contained("kill_process.py", sleeper.pid)
        self.assertIsNone(sleeper.poll())
        self.assert_real("kill_process.py", sleeper.pid)
        if os.geteuid() == 0:
            self.assertEqual(sleeper.wait(PATIENCE), -9)

    def test_killing_everything_harms_nobody_else(self):
        sleeper = self.sleeper()
        outcome = self.outcome(self.prepared("kill_everything.py"), "--timeout", "60")
        self.assertIn(outcome["status"], ("exited", "signaled"))
        if outcome["status"] == "exited":
            self.assertEqual(self.verdict(outcome["stdout"]), "CONTAINED")
        self.assertIsNone(sleeper.poll())
        self.assert_real("kill_everything.py", "--ask")

    def test_the_jails_init_survives_its_program(self):
        self.assert_contained("kill_init.py")
        sleeper = self.sleeper()
        self.assert_real("kill_init.py", sleeper.pid)

    def test_the_jails_init_is_not_readable(self):
        self.assert_contained("read_init.py")
        self.assert_real("read_init.py", self.sleeper().pid)

    def test_the_jails_init_keeps_its_limits(self):
        self.assert_contained("limits_of_init.c")
        self.assert_real("limits_of_init.c", self.sleeper().pid)

    def test_tracing(self):
        self.assert_contained("ptrace_processes.c")
        self.assert_real("ptrace_processes.c")


class HostEnvironment(Escape):
    def setUp(self):
        super().setUp()
        self.env["SANDPIT_TEST_SECRET"] = "hunter2"

    def test_variables_are_not_seen(self):
        self.assert_contained("read_environment.py")
        self.assert_real("read_environment.py")

    def test_descriptors_are_not_inherited(self):
        with open(self.write("open-file", "secret"), "rb") as file:
            low = os.dup(file.fileno())
            pipe = os.pipe()
            for fd in (low, *pipe):
                os.set_inheritable(fd, True)
            try:
                done = self.sandpit("run", "--quiet", "--", self.prepared("inherited_descriptors.py"), pass_fds=(low, *pipe))
                self.assertEqual(self.verdict(done.stdout.decode()), "CONTAINED", done.stdout + done.stderr)
                for name in ("inherited_descriptors.py",):
                    outside = subprocess.run([sys.executable, str(self.dir / name)], pass_fds=(low, *pipe), capture_output=True,
                                             check=False)
                    self.assertIn(b"ESCAPED", outside.stdout)
            finally:
                for fd in (low, *pipe):
                    os.close(fd)

    def test_standard_input_file_of_the_caller_is_not_writable(self):
        given = self.write("given", "original", 0o666)
        with open(given, "rb") as stdin:
            done = self.sandpit("run", "--quiet", "--", self.prepared("reopen_standard_streams.py"), stdin=stdin)
        self.assertEqual(self.verdict(done.stdout.decode()), "CONTAINED", done.stdout + done.stderr)
        self.assertEqual(given.read_text(), "original")
        with open(given, "rb") as stdin:
            outside = subprocess.run([sys.executable, str(self.dir / "reopen_standard_streams.py")], stdin=stdin,
                                     capture_output=True, check=False)
        self.assertIn(b"ESCAPED", outside.stdout)

    def test_the_callers_terminal_is_not_reached(self):
        name = self.prepared("read_terminal.py")
        for command, expected in (([sandpit_path(), "run", "--quiet", "--", name], b"CONTAINED"), ([sys.executable, name], b"ESCAPED")):
            leader, follower = pty.openpty()
            process = subprocess.Popen(["setsid", "--ctty", "--wait", *command], cwd=self.dir, env=self.env, stdin=follower,
                                       stdout=follower, stderr=subprocess.STDOUT)
            os.close(follower)
            said = b""
            try:
                while chunk := os.read(leader, 4096):
                    said += chunk
            except OSError:
                pass
            process.wait(PATIENCE)
            os.close(leader)
            self.assertIn(expected, said)

    def test_typing_into_a_terminal_is_denied_by_the_filter(self):
        self.assert_contained("terminal_input.c")
        self.assert_real("terminal_input.c")
