"""Privileges, kernel settings, and executing what the program made."""

import os
import pathlib
import shutil
import subprocess

from escape_case import Escape


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

    def test_joining_namespaces(self):
        self.assert_attempt("join_namespaces.c")

    def test_more_by_prctl(self):
        self.assert_attempt("widen_itself_by_prctl.c")

    def test_chroot(self):
        self.assert_contained("chroot_out.c")
        self.assert_real("chroot_out.c")

    def test_device_nodes(self):
        self.assert_contained("make_devices.c")
        self.assert_real("make_devices.c")

    def test_key_rings(self):
        self.assert_contained("keyrings.c")
        self.assert_real("keyrings.c")

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
        for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger"):
            with self.subTest(path=path):
                self.assert_attempt("change_kernel_settings.py", path, needs="a kernel with this setting", error="No such file")
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

    def test_a_dropped_library_cannot_be_loaded_by_python(self):
        self.assert_attempt("load_dropped_library.py")

    def test_a_dropped_library_cannot_be_loaded_by_node(self):
        self.assert_attempt("load_dropped_library.js")

    def test_programs_in_memory(self):
        self.assert_contained("memory_program.py")
        self.assert_real("memory_program.py")

    def test_a_native_program_may_execute_what_it_made(self):
        self.compile_c("copier", """
            #include <stdlib.h>
            int main() { return system("cp /bin/true ./x && chmod +x x && ./x") != 0; }""")
        self.assert_outcome(self.outcome("copier"), status="exited", exit_code=0)
