#!/usr/bin/python3
"""Hostile programs (programs/, each named by what it attempts), inside the jail and, as root, outside of it.

    run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]

A program's last line is CONTAINED or ESCAPED, by what it observed itself. Inside it must be CONTAINED. Outside it must be
ESCAPED: that proves that the attempt is real. Where the attempt would harm the host, outside gets arguments or
namespaces that make it harmless.
"""

import os
import pathlib
import pty
import shutil
import socket
import subprocess
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.dont_write_bytecode = True
from sandpit_tests import PATIENCE, Case, main, sandpit_path  # noqa: E402

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
INTERPRETERS = {".py": [sys.executable], ".sh": ["/bin/bash"], ".js": ["node"], "": []}


class Escape(Case):
    def prepared(self, name):
        """The program's file in the private directory; a C program is compiled."""
        source = PROGRAMS / name
        if source.suffix == ".js" and not shutil.which("node"):
            self.skipTest("node (apt-get install -y nodejs)")
        if source.suffix != ".c":
            self.write(name, source.read_bytes())
            return name
        shutil.copy(PROGRAMS / "common.h", self.dir / "common.h")
        return self.compile_c(source.stem, source.read_bytes())

    def outcome(self, name, *options, **more):
        """Skips where this kernel can't make the write grant of a root's run at all, which it says itself."""
        outcome = super().outcome(name, *options, **more)
        if os.geteuid() == 0 and outcome["status"] == "refused" and "no idmapped mounts on this kernel" in outcome["message"]:
            self.skipTest("idmapped mounts of the file system of /tmp (tmpfs: Linux 6.3)")
        return outcome

    def verdict(self, text):
        lines = text.strip().splitlines()
        return lines[-1] if lines else ""

    def assert_contained(self, name, *arguments, options=(), stdin=b""):
        outcome = self.outcome(self.prepared(name), "--timeout", "60", "--cpu-time", "20", *options,
                               arguments=[str(word) for word in arguments], stdin=stdin)
        self.assertEqual(outcome["status"], "exited", outcome)
        self.assertEqual(self.verdict(outcome["stdout"]), "CONTAINED", outcome["stdout"] + outcome["stderr"])
        return outcome

    def assert_real(self, name, *arguments, within=(), stdin=b""):
        """Outside of the jail, as root, the same attempt succeeds."""
        if os.geteuid() != 0:
            return
        program = self.prepared(name)
        command = [*within, *INTERPRETERS[pathlib.Path(program).suffix], str(self.dir / program), *map(str, arguments)]
        done = subprocess.run(command, cwd=self.dir, env=self.env, input=stdin, capture_output=True, timeout=PATIENCE, check=False)
        self.assertTrue(self.verdict(done.stdout.decode()).startswith("ESCAPED"),
                        f"not a real attempt: {done.stdout.decode()} {done.stderr.decode()}")

    def sleeper(self, *words):
        """A process of the host, with a command line of its own."""
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", *words])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process


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
        # A forked run's init is out of its Landlock domain (ABI 6): there the signals are not even sent.
        outcome = self.program("p.py", "import os, signal\nfor n in (9, 15, 19, 2, 1, 11):\n  try: os.kill(1, n)\n"
                               "  except PermissionError: pass\nimport time; time.sleep(.1); print('still here')")
        self.assertEqual(outcome["stdout"], "still here\n", outcome)

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


class HostNetwork(Escape):
    def test_a_server_on_the_loopback(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            for mode in ("none", "loopback"):
                self.assert_contained("connect_loopback.py", port, options=["--net", mode])
            self.assert_real("connect_loopback.py", port)

    def test_the_hosts_network_is_there_when_granted(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            outcome = self.outcome(self.prepared("connect_loopback.py"), "--net", "host", arguments=[str(server.getsockname()[1])])
        self.assertIn("ESCAPED", outcome["stdout"], outcome)

    def test_an_abstract_socket(self):
        name = "sandpit-" + uuid.uuid4().hex
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("\0" + name)
            server.listen()
            self.assert_contained("abstract_socket.py", name)
            self.assert_real("abstract_socket.py", name)

    def test_unusual_socket_families(self):
        self.assert_contained("unusual_sockets.py")
        self.assert_contained("unusual_sockets.py", options=["--net", "host"])
        self.assert_real("unusual_sockets.py")


class Privileges(Escape):
    def test_no_capability_in_any_set_and_no_new_privileges(self):
        self.assert_contained("capabilities.py")
        self.assert_real("capabilities.py")

    def test_other_user_ids(self):
        self.assert_contained("set_user_id.c")
        self.assert_real("set_user_id.c")

    def test_a_set_user_id_program_in_a_grant_does_not_raise(self):
        if os.geteuid() != 0:
            self.skipTest("root, to make a set-user-id program of root's")
        grant = self.dir / "grant"
        grant.mkdir()
        self.compile_c("who", """
            #include <stdio.h>
            #include <unistd.h>
            int main() { printf("%d %d\\n", getuid(), geteuid()); return 0; }""")
        shutil.copy(self.dir / "who", grant / "who")
        os.chown(grant / "who", 0, 0)
        (grant / "who").chmod(0o6755)
        (grant / "who").with_name("f").write_text("readable")
        # A native program: an interpreter's profile lets nothing in a grant be executed at all.
        self.compile_c("start", """
            #include <stdio.h>
            #include <unistd.h>
            int main() { puts(access("/grant/f", R_OK) ? "no grant" : "granted"); fflush(stdout);
                         execl("/grant/who", "who", (char*)0); perror("denied"); return 0; }""")
        for option in ("--read", "--write"):
            outcome = self.outcome("start", option, "grant:/grant")
            words = outcome["stdout"].split()
            self.assertEqual(words[0], "granted", outcome)
            if len(words) > 1:
                self.assertEqual(words[1], words[2])
                self.assertNotEqual(words[2], "0")
            else:
                self.assertIn("denied", outcome["stderr"])
        self.dir.chmod(0o755)
        outside = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(grant / "who")],
                                 capture_output=True, check=False)
        self.assertEqual(outside.stdout, b"65534 0\n", outside.stderr)

    def test_mounting(self):
        self.assert_contained("mount_filesystems.c")
        self.assert_real("mount_filesystems.c", within=["unshare", "--mount"])

    def test_namespaces(self):
        self.assert_contained("new_namespaces.c")
        self.assert_real("new_namespaces.c")

    def test_chroot(self):
        self.assert_contained("chroot_out.c")
        self.assert_real("chroot_out.c")

    def test_device_nodes(self):
        self.assert_contained("make_devices.c")
        self.assert_real("make_devices.c")

    def test_key_rings(self):
        self.assert_contained("keyrings.c")
        self.assert_real("keyrings.c")

    def test_dangerous_system_calls(self):
        self.assert_contained("dangerous_calls.c")
        self.assert_real("dangerous_calls.c")

    def test_system_calls_of_other_architectures(self):
        self.assert_contained("foreign_calls.c")
        self.assert_real("foreign_calls.c")

    def test_ordinary_tools(self):
        self.assert_contained("write_through_shell.sh")
        self.assert_real("write_through_shell.sh", within=["unshare", "--mount", "--uts", "--fork"])

    def test_doors_of_node(self):
        self.assert_contained("node_native_ways.js")
        self.assert_real("node_native_ways.js")


class Kernel(Escape):
    def test_settings_are_not_writable(self):
        before = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()
        self.assert_contained("change_kernel_settings.py")
        self.assert_real("change_kernel_settings.py")
        self.assertEqual(pathlib.Path("/proc/sys/kernel/core_pattern").read_text(), before)

    def test_cgroups_are_not_seen(self):
        self.assert_contained("look_at_cgroups.py")
        self.assert_real("look_at_cgroups.py")

    def test_the_system_is_read_only(self):
        self.assert_contained("write_system_files.py", "/usr/bin", "/usr", "/etc", "/", "/lib", "/dev", "/proc")
        self.write("victim/f", "x")
        self.assert_real("write_system_files.py", self.dir / "victim")

    def test_a_crash_does_not_start_the_hosts_core_handler(self):
        outcome = self.program("p.py", "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))")
        self.assert_outcome(outcome, stdout="(1, 1)\n")


class Execution(Escape):
    def test_a_dropped_program_cannot_be_executed_under_an_interpreter(self):
        self.assert_contained("execute_dropped_file.py")
        self.assert_real("execute_dropped_file.py", "--outside")

    def test_programs_in_memory(self):
        self.assert_contained("memory_program.py")
        self.assert_real("memory_program.py")

    def test_a_native_program_may_execute_what_it_made(self):
        self.compile_c("copier", """
            #include <stdlib.h>
            int main() { return system("cp /bin/true ./x && chmod +x x && ./x") != 0; }""")
        self.assert_outcome(self.outcome("copier"), status="exited", exit_code=0)


class CopyOut(Escape):
    def copied(self, *options):
        outcome = self.outcome(self.prepared("leave_traps.py"), "--out", "out", *options)
        self.assert_outcome(outcome, status="exited", stdout="made\n")
        return outcome

    def test_only_plain_files_and_directories_arrive(self):
        self.copied()
        out = self.dir / "out"
        self.assertEqual((out / "plain").read_text(), "plain")
        self.assertEqual((out / "/".join(["d"] * 60) / "bottom").read_text(), "deep")
        for name in ("link-to-shadow", "link-to-etc", "link-up", "loop", "fifo", "socket"):
            self.assertFalse(os.path.lexists(out / name), name)
        for directory, folders, files in os.walk(out):
            for name in folders + files:
                path = os.path.join(directory, name)
                self.assertTrue(os.path.isdir(path) or os.path.isfile(path), path)
                self.assertFalse(os.path.islink(path), path)
                self.assertEqual(os.lstat(path).st_uid, os.geteuid(), path)
                self.assertFalse(os.lstat(path).st_mode & 0o6000, path)

    def test_odd_names_are_kept_and_never_reach_the_terminal_raw(self):
        self.write("leave_traps.py", (PROGRAMS / "leave_traps.py").read_bytes())
        done = self.sandpit("run", "--out", "out", "leave_traps.py")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(b"\x1b[31m", done.stderr)
        names = set(os.listdir(os.fsencode(self.dir / "out")))
        self.assertLessEqual({b"new\nline", b"-rf", b"--help", b" ", b"..hidden", b"\xff\xfe"}, names)

    def test_names_with_escapes_in_warnings_are_made_harmless(self):
        self.write("p.py", "import os\nos.mkfifo('\\x1b[31mfifo\\nsandpit: all is well')")
        done = self.sandpit("run", "--out", "out", "p.py")
        self.assertEqual(done.returncode, 0)
        self.assertNotIn(b"\x1b[31m", done.stderr)
        self.assertNotIn(b"\nsandpit: all is well", done.stderr)

    def test_a_link_in_the_destination_is_not_followed(self):
        victim = self.write("victim", "untouched")
        (self.dir / "out").mkdir()
        (self.dir / "out/plain").symlink_to(victim)
        self.copied()
        self.assertEqual(victim.read_text(), "untouched")

    def test_a_linked_directory_in_the_destination_is_not_followed(self):
        (self.dir / "elsewhere").mkdir()
        (self.dir / "out").mkdir()
        (self.dir / "out/d").symlink_to(self.dir / "elsewhere")
        self.copied()
        self.assertEqual(os.listdir(self.dir / "elsewhere"), [])

    def test_a_deep_tree_neither_hangs_nor_crashes(self):
        outcome = self.program("p.py", "import os\nfor _ in range(3000):\n  os.mkdir('d')\n  os.chdir('d')\nopen('f','w').close()",
                               "--out", "out", "--timeout", "60", "--cpu-time", "30")
        self.assertIn(outcome["exit"], (0, 125), outcome)
        self.assertNotIn("signal", outcome["message"])
        subprocess.run(["rm", "-rf", str(self.dir / "out")], check=False)

    def test_a_sparse_file_does_not_fill_the_host(self):
        outcome = self.program("p.py", "import os\nf = open('sparse', 'wb')\nf.truncate(5 << 20)", "--out", "out")
        self.assertEqual(outcome["exit"], 0, outcome)
        path = self.dir / "out/sparse"
        self.assertTrue(not path.exists() or path.stat().st_size == 5 << 20)


class Grants(Escape):
    def granted(self, mode=0o755):
        self.write("grant/file", "original")
        (self.dir / "grant").chmod(mode)
        return self.dir / "grant"

    def test_a_read_only_grant_cannot_be_changed(self):
        grant = self.granted(0o777)
        (grant / "file").chmod(0o666)
        self.assert_contained("write_system_files.py", "/in", options=["--read", "grant:/in"])
        self.assertEqual(sorted(os.listdir(grant)), ["file"])
        self.assertEqual((grant / "file").read_text(), "original")

    def test_a_hard_link_does_not_make_a_read_only_file_writable(self):
        grant = self.granted(0o777)
        (grant / "file").chmod(0o666)
        (self.dir / "made").mkdir()
        self.assert_contained("hard_link.py", "/in/file", "/work", options=["--read", "grant:/in"])
        self.assert_contained("hard_link.py", "/in/file", "/made", options=["--read", "grant:/in", "--write", "made:/made"])
        self.assertEqual((grant / "file").read_text(), "original")
        self.assert_real("hard_link.py", grant / "file", self.dir / "made")

    def test_a_writable_grant_is_written_with_its_owners_ids(self):
        grant = self.granted()
        if os.geteuid() == 0:
            os.chown(grant, 12345, 12346)
            os.chown(grant / "file", 12345, 12346)
        outcome = self.program("p.py", "import os\nos.mkdir('/in/d')\nopen('/in/new', 'w').write('made')\nopen('/in/file', 'a').write('+')\n"
                               "print(open('/in/file').read())", "--write", "grant:/in")
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout="original+\n")
        self.assertEqual((grant / "new").read_text(), "made")
        owner = grant.stat()
        for name in ("new", "d"):
            self.assertEqual((os.lstat(grant / name).st_uid, os.lstat(grant / name).st_gid), (owner.st_uid, owner.st_gid))

    def test_a_writable_grant_of_roots_does_not_make_set_user_id_programs(self):
        grant = self.granted()
        self.program("p.py", "import os, shutil\nshutil.copy('/bin/true', '/in/t')\nos.chmod('/in/t', 0o6755)", "--write", "grant:/in")
        # The file may have the bits (it is the owner's own directory), never on the way of another owner.
        if (grant / "t").exists():
            self.assertEqual(os.lstat(grant / "t").st_uid, grant.stat().st_uid)

    def test_links_in_a_writable_grant_lead_nowhere_outside(self):
        grant = self.granted()
        secret = self.write("secret", "hidden", 0o644)
        (grant / "absolute").symlink_to(secret)
        (grant / "relative").symlink_to("../secret")
        outcome = self.program("p.py", "for n in ('absolute', 'relative'):\n  try: print('read', open('/in/' + n).read())\n"
                               "  except OSError as e: print(type(e).__name__)", "--write", "grant:/in")
        self.assertNotIn("hidden", outcome["stdout"])

    def test_devices_in_a_grant_cannot_be_opened(self):
        if os.geteuid() != 0:
            self.skipTest("root, to make a device node")
        grant = self.granted(0o777)
        os.mknod(grant / "zero", 0o020666, os.makedev(1, 5))
        outcome = self.program("p.py", "try: print(open('/in/zero', 'rb').read(3))\nexcept OSError as e: print('denied', e)",
                               "--read", "grant:/in")
        self.assertTrue(outcome["stdout"].startswith("denied"), outcome)

    def test_mounts_below_a_read_only_grant_are_read_only_too(self):
        if os.geteuid() != 0:
            self.skipTest("root, to mount")
        grant = self.granted(0o777)
        (grant / "below").mkdir()
        self.write("p.py", "try: open('/in/below/x', 'w').write('x'); print('ESCAPED')\nexcept OSError as e: print('denied', e)")
        script = f"mount -t tmpfs -o mode=777 none grant/below && '{sandpit_path()}' run --quiet --read grant:/in p.py"
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script], cwd=self.dir, env=self.env, capture_output=True,
                              timeout=PATIENCE, check=False)
        self.assertTrue(done.stdout.startswith(b"denied"), done.stdout + done.stderr)


class Neighbours(Escape):
    """Two runs at the same time."""

    def maker(self):
        process = subprocess.Popen([sandpit_path(), "run", "--quiet", "--timeout", "100", "--", self.prepared("shared_ids.py"), "make"],
                                   cwd=self.dir, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        self.assertRegex(process.stdout.readline(), rb"^uid \d+ made\n$")
        return process

    def test_they_share_no_socket_segment_file_or_process(self):
        self.maker()
        self.assert_contained("shared_ids.py", "find")
        if os.geteuid() != 0:
            return
        outside = subprocess.Popen([sys.executable, str(self.dir / "shared_ids.py"), "make"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            outside.stdout.readline()
            self.assert_real("shared_ids.py", "find")
        finally:
            outside.communicate()

    def test_they_have_different_ids_of_the_host(self):
        if os.geteuid() != 0:
            self.skipTest("root: an ordinary user's runs share that user's id")
        self.write("p.py", "import sys; print('ready', flush=True); sys.stdin.read()")
        runs, ids = [], set()
        for _ in range(3):
            run = subprocess.Popen([sandpit_path(), "run", "--quiet", "--timeout", "100", "p.py"], cwd=self.dir, env=self.env,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.addCleanup(run.communicate)
            self.assertEqual(run.stdout.readline(), b"ready\n")
            runs.append(run)
        for run in runs:
            ids |= descendants_ids(run.pid)
        ids.discard((0, 0))
        self.assertEqual(len(ids), 3, ids)
        for uid, gid in ids:
            self.assertGreaterEqual(min(uid, gid), 0x70000000)


def descendants_ids(pid):
    """(uid, gid) of all processes below `pid`."""
    found = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split():
            status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{child}/status").read_text().splitlines() if ":\t" in line)
            found.add((int(status["Uid"].split()[1]), int(status["Gid"].split()[1])))
            found |= descendants_ids(child)
    return found


if __name__ == "__main__":
    main()
