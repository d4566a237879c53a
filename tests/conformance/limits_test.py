"""Every limit, with programs that really do what it is for."""

import fcntl
import os
import subprocess
import textwrap
import time

from sandpit_tests import Case, sandpit_path, seconds


class Memory(Case):
    ONE = "kept = []\nfor _ in range(1000): kept.append(bytearray(b'x') * (1 << 20))"
    TWENTY = textwrap.dedent("""
        import os, time
        for _ in range(20):
            if os.fork() == 0:
                kept = [bytearray(b'x') * (1 << 20) for _ in range(10)]
                time.sleep(20)
                os._exit(0)
        for _ in range(20): os.wait()
        print('all twenty had theirs')""")

    def test_one_process(self):
        outcome = self.program("p.py", self.ONE, "--memory", "64", "--timeout", "60", "--cpu-time", "50")
        self.assert_outcome(outcome, status="memory_exceeded", signal="SIGKILL", exit=137)
        self.assert_exact(outcome, "memory")

    def test_twenty_processes_together(self):
        outcome = self.program("p.py", self.TWENTY, "--memory", "128", "--processes", "30", "--timeout", "100",
                               "--cpu-time", "60")
        self.assert_outcome(outcome, status="memory_exceeded", stdout="", exit=137)
        self.assert_exact(outcome, "memory")

    def test_twenty_processes_within_the_limit_are_left_alone(self):
        text = self.TWENTY.replace("range(10)", "range(2)").replace("sleep(20)", "sleep(0.5)")
        # Where memory is sampled, processes are looked at one after the other, and what they share may count twice.
        outcome = self.program("p.py", text, "--memory", "400", "--processes", "30", "--timeout", "60")
        self.assert_outcome(outcome, status="exited", stdout="all twenty had theirs\n")

    def test_a_child_that_is_killed_ends_the_run(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import os
            if os.fork() == 0:
                kept = []
                for _ in range(1000): kept.append(bytearray(b'x') * (1 << 20))
            os.wait()
            import time; time.sleep(60)"""), "--memory", "64", "--timeout", "100", "--cpu-time", "50")
        self.assert_outcome(outcome, status="memory_exceeded")

    def test_files_in_tmp_count_and_the_message_says_so(self):
        self.skip_where_sampling_sees_a_sanitizer()
        outcome = self.program("p.py", textwrap.dedent("""
            for number in range(6):
                with open(f'/tmp/{number}', 'wb') as file:
                    for _ in range(10): file.write(b'x' * (1 << 20))
            kept = []
            for _ in range(1000): kept.append(bytearray(b'x') * (1 << 20))"""),
            "--memory", "128", "--disk", "64", "--file-size", "20MiB", "--timeout", "60", "--cpu-time", "50")
        self.assert_outcome(outcome, status="memory_exceeded")
        self.assertRegex(outcome["message"], r"6\d(\.\d)? MiB of it in files")

    def test_shared_memory_counts(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import mmap
            kept = []
            for _ in range(100):
                block = mmap.mmap(-1, 10 << 20)
                for offset in range(0, 10 << 20, 4096): block[offset] = 1
                kept.append(block)"""), "--memory", "64", "--timeout", "60", "--cpu-time", "50")
        self.assert_outcome(outcome, status="memory_exceeded")

    def test_peak_memory_is_of_the_whole_tree(self):
        text = self.TWENTY.replace("range(10)", "range(5)").replace("sleep(20)", f"sleep({seconds(1.5)})")
        outcome = self.program("p.py", text, "--memory", "400", "--processes", "30", "--timeout", "60", "--cpu-time", "50")
        self.assert_outcome(outcome, status="exited")
        self.assertGreater(outcome["peak_memory_kb"], 90 << 10)


BURN = r"""
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static void* burn(void* unused) { for (volatile unsigned long i = 0;; ++i) {} return 0; }
static void burn_ms(long ms) {
  struct timespec t;
  do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < ms);
}
int main(int argc, char** argv) {
  if (!strcmp(argv[1], "threads")) { pthread_t t; for (int i = 0; i < 3; ++i) pthread_create(&t, 0, burn, 0); burn(0); }
  if (!strcmp(argv[1], "children")) for (int i = 0; i < 2000; ++i) { if (fork() == 0) { burn_ms(30); _exit(0); } wait(0); }
  if (!strcmp(argv[1], "unwaited")) {
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 2000; ++i) { if (fork() == 0) { burn_ms(30); _exit(0); } usleep(25000); }
  }
  if (!strcmp(argv[1], "orphans")) for (int i = 0; i < 4; ++i) if (fork() == 0) { setsid(); burn(0); }
  if (!strcmp(argv[1], "orphans")) sleep(100);
  return 0;
}
"""


class CpuTime(Case):
    def burn(self, how, limit="1"):
        self.compile_c("burn", "#include <signal.h>\n" + BURN)
        outcome = self.outcome("burn", "--cpu-time", limit, "--timeout", "100", arguments=[how])
        self.assert_outcome(outcome, status="cpu_time_exceeded", signal="SIGKILL", exit=124)
        self.assertGreaterEqual(outcome["cpu_time_ms"], 900)
        self.assertLess(outcome["cpu_time_ms"], 6000)
        self.assert_exact(outcome, "cpu_time")
        return outcome

    def test_one_process(self):
        outcome = self.program("p.py", "while True: pass", "--cpu-time", "1", "--timeout", "60")
        self.assert_outcome(outcome, status="cpu_time_exceeded", exit=124)
        self.assert_exact(outcome, "cpu_time")

    def test_four_threads_together(self):
        self.burn("threads")

    def test_many_short_lived_children(self):
        self.burn("children")

    def test_children_that_nobody_waits_for(self):
        self.burn("unwaited")

    def test_processes_in_sessions_of_their_own(self):
        self.burn("orphans")

    def test_a_program_cannot_catch_the_end(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import signal
            for number in range(1, 65):
                try: signal.signal(number, lambda *_: None)
                except (OSError, ValueError): pass
            while True: pass"""), "--cpu-time", "1", "--timeout", "60")
        self.assert_outcome(outcome, status="cpu_time_exceeded")

    def test_time_within_the_limit_is_told_and_not_punished(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import time
            while time.process_time() < 0.5: pass"""), "--cpu-time", "20", "--timeout", "60")
        self.assert_outcome(outcome, status="exited")
        self.assertGreaterEqual(outcome["cpu_time_ms"], 450)


class WallTime(Case):
    def test_sleep(self):
        outcome = self.program("p.py", "import time; time.sleep(100)", "--timeout", "1")
        self.assert_outcome(outcome, status="wall_time_exceeded", exit=124, signal="SIGKILL")

    def test_a_program_that_ignores_every_signal(self):
        outcome = self.program("p.sh", "trap '' TERM INT HUP QUIT ALRM USR1 USR2 PIPE; echo ready; sleep 100; sleep 100",
                               "--timeout", seconds(1.5))
        self.assert_outcome(outcome, status="wall_time_exceeded", stdout="ready\n")

    def test_a_stopped_program(self):
        outcome = self.program("p.sh", "kill -STOP $$", "--timeout", "1")
        self.assert_outcome(outcome, status="wall_time_exceeded")

    def test_children_in_the_background_do_not_hold_the_run(self):
        outcome = self.program("p.sh", "sleep 100 & echo done", "--timeout", "60")
        self.assert_outcome(outcome, status="exited", stdout="done\n")
        self.assertLess(outcome["wall_time_ms"], 50000)

    def test_a_child_with_the_output_open_does_not_hold_the_run(self):
        outcome = self.program("p.py", "import os, time\nif os.fork() == 0:\n  os.setsid()\n  time.sleep(100)\nprint('x')",
                               "--timeout", "60")
        self.assert_outcome(outcome, status="exited", stdout="x\n")
        self.assertLess(outcome["wall_time_ms"], 50000)


COUNT_CHILDREN = textwrap.dedent("""
    import os, time
    made = 0
    for _ in range(100):
        try:
            if os.fork() == 0:
                time.sleep(100)
                os._exit(0)
        except OSError:
            break
        made += 1
    print(made)""")


class Processes(Case):
    # The program itself is one of its max_processes: with 10 a single-threaded program can have nine children.
    def test_the_program_and_its_children_are_exactly_as_many_as_allowed(self):
        for allowed in (1, 2, 10, 25):
            outcome = self.program("p.py", COUNT_CHILDREN, "--processes", str(allowed))
            self.assert_outcome(outcome, status="exited", stdout=f"{allowed - 1}\n")
            self.assert_exact(outcome, "processes")

    def test_two_runs_at_once_do_not_share_the_count(self):
        self.write("p.py", COUNT_CHILDREN.replace("print(made)", "time.sleep(2); print(made)"))
        runs = [subprocess.Popen([sandpit_path(), "run", "--quiet", "p.py"], cwd=self.dir, env=self.env,
                                 stdout=subprocess.PIPE) for _ in range(3)]
        self.assertEqual([run.communicate(timeout=60)[0] for run in runs], [b"9\n"] * 3)

    def test_threads_count(self):
        self.compile_c("threads", r"""
            #include <pthread.h>
            #include <stdio.h>
            #include <unistd.h>
            static void* hold(void* u) { sleep(100); return 0; }
            int main() { pthread_t t; int made = 0; while (made < 100 && pthread_create(&t, 0, hold, 0) == 0) ++made;
                         printf("%d\n", made); fflush(stdout); _exit(0); }""")
        outcome = self.outcome("threads", "--processes", "10")
        self.assert_outcome(outcome, stdout="9\n")

    def test_a_fork_bomb_ends_and_the_host_is_fine(self):
        # A tree of at most 2^9 processes, should the limit fail.
        outcome = self.program("p.py", textwrap.dedent("""
            import os, time
            for _ in range(9):
                try: os.fork()
                except OSError: pass
            time.sleep(100)"""), "--timeout", "2", "--cpu-time", "1.5")
        self.assertIn(outcome["status"], ("wall_time_exceeded", "cpu_time_exceeded"))
        self.assertEqual(self.program("p.py", "print('fine')")["stdout"], "fine\n")

    def test_a_shell_fork_bomb_ends(self):
        outcome = self.program("p.sh", "b() { [ $1 -gt 8 ] || { b $(($1+1)) & b $(($1+1)) & }; wait; sleep 100; }; b 0",
                               "--timeout", "2", "--cpu-time", "1.5")
        self.assertIn(outcome["status"], ("wall_time_exceeded", "cpu_time_exceeded", "exited"))
        self.assertEqual(self.program("p.py", "print('fine')")["stdout"], "fine\n")

    def test_room_comes_back_when_children_end(self):
        outcome = self.program("p.sh", "i=0; while [ $i -lt 60 ]; do /bin/true || exit 1; i=$((i+1)); done; echo $i",
                               "--processes", "4", "--timeout", "60")
        self.assert_outcome(outcome, stdout="60\n", exit_code=0)


class Files(Case):
    FILL = textwrap.dedent("""
        import errno, os
        total = 0
        try:
            for number in range(60):
                with open(f'{number}', 'wb', buffering=0) as file:
                    for _ in range(16): total += file.write(b'x' * 65536)
        except OSError as error:
            print(errno.errorcode[error.errno])
        print(total)""")

    def test_one_file_is_limited_with_an_error(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import errno
            file, total = open('x', 'wb', buffering=0), 0
            try:
                while total < 50 << 20: total += file.write(b'x' * 65536)
            except OSError as error: print(errno.errorcode[error.errno])
            print(total)"""), "--file-size", "1MiB")
        self.assert_outcome(outcome, status="exited", stdout=f"EFBIG\n{1 << 20}\n")
        self.assertEqual(outcome["enforcement"]["file_size"], "rlimit")

    def test_one_file_is_limited_by_a_signal_where_it_is_not_ignored(self):
        self.compile_c("grow", r"""
            #include <fcntl.h>
            #include <unistd.h>
            int main() { int f = open("/tmp/x", O_CREAT|O_WRONLY, 0600); char b[65536] = {1};
                         for (int i = 0; i < 1000; ++i) if (write(f, b, sizeof b) < 0) return 5; return 0; }""")
        outcome = self.outcome("grow", "--file-size", "1MiB")
        self.assert_outcome(outcome, status="signaled", signal="SIGXFSZ", exit=128 + 25)
        self.assertEqual([(reached["limit"], reached["hint"]) for reached in outcome["limits_reached"]],
                         [("file_size", "--file-size")])

    def test_several_files_are_limited_together(self):
        self.skip_where_sampling_sees_a_sanitizer()
        outcome = self.program("p.py", self.FILL, "--disk", "8MiB", "--memory", "128")
        self.assertEqual(outcome["status"], "exited", outcome)
        reason, total = outcome["stdout"].split()
        self.assertEqual(reason, "ENOSPC")
        self.assertLessEqual(int(total), 8 << 20)
        self.assertGreaterEqual(int(total), 6 << 20)
        self.assertEqual(outcome["enforcement"]["disk"], "tmpfs")

    def test_work_directory_tmp_and_shm_share_one_limit(self):
        self.skip_where_sampling_sees_a_sanitizer()
        outcome = self.program("p.py", textwrap.dedent("""
            total = 0
            for place in ('/work', '/tmp', '/dev/shm'):
                try:
                    for number in range(40):
                        with open(f'{place}/{number}', 'wb', buffering=0) as file: total += file.write(b'x' * (1 << 20))
                except OSError: pass
            print(total >> 20)"""), "--disk", "12MiB", "--memory", "128")
        self.assertEqual(outcome["status"], "exited", outcome)
        self.assertLessEqual(int(outcome["stdout"]), 12)
        self.assertGreaterEqual(int(outcome["stdout"]), 9)

    def test_inodes_are_limited(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import errno, os
            made = 0
            try:
                for made in range(5000): os.close(os.open(f'{made}', os.O_CREAT))
            except OSError as error: print(errno.errorcode[error.errno], made)"""), "--config",
            self.inode_config())
        reason, made = outcome["stdout"].split()
        self.assertEqual(reason, "ENOSPC")
        self.assertLessEqual(int(made), 200)
        self.assertGreaterEqual(int(made), 150)
        self.assertEqual(outcome["enforcement"]["inodes"], "tmpfs")

    def inode_config(self):
        self.write("inodes.toml", "[resource_limits]\nmax_inodes = 200\n")
        return "inodes.toml"

    def test_directories_and_links_count_as_inodes(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import os
            made = 0
            try:
                for made in range(0, 5000, 2):
                    os.mkdir(f'd{made}')
                    os.symlink('x', f's{made}')
            except OSError: print(made)"""), "--config", self.inode_config())
        self.assertLessEqual(int(outcome["stdout"]), 200)

    def test_open_files_are_limited_beyond_what_the_interpreter_needs(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import errno
            kept = []
            try:
                for _ in range(200): kept.append(open('/dev/null'))
            except OSError as error: print(errno.errorcode[error.errno], len(kept))"""), "--open-files", "20")
        reason, count = outcome["stdout"].split()
        self.assertEqual(reason, "EMFILE")
        # Standard input, output and error are among the twenty; the interpreter's own four are not.
        self.assertIn(int(count), range(16, 25))
        self.assertEqual(outcome["enforcement"]["open_files"], "rlimit")

    def test_limits_cannot_be_raised_from_inside(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import resource
            for name in ('NOFILE', 'FSIZE', 'CPU', 'CORE', 'STACK'):
                kind = getattr(resource, 'RLIMIT_' + name)
                soft, hard = resource.getrlimit(kind)
                try:
                    resource.setrlimit(kind, (soft, hard + 1 if hard >= 0 else hard))
                    print('raised', name, soft, hard)
                except (ValueError, OSError): pass"""))
        self.assert_outcome(outcome, stdout="", exit_code=0)

    def test_core_files_are_not_written(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import os, resource
            print(resource.getrlimit(resource.RLIMIT_CORE))
            if os.fork() == 0: os.abort()
            os.wait()
            print([name for name in os.listdir('.') if 'core' in name])"""))
        self.assert_outcome(outcome, stdout="(1, 1)\n[]\n")


class Stack(Case):
    def test_deep_recursion_ends_with_a_segmentation_fault(self):
        self.compile_c("deep", r"""
            #include <stdio.h>
            int down(volatile int n) { volatile char b[4096]; b[n % 4096] = n; return n ? down(n - 1) + b[n % 4096] : 0; }
            int main() { fputs("began\n", stderr); return down(1000000) & 1; }""", "-O0")
        outcome = self.outcome("deep", "--stack", "4MiB")
        self.assert_outcome(outcome, status="signaled", signal="SIGSEGV", exit=139, stderr="began\n")
        self.assertEqual(outcome["enforcement"]["stack"], "rlimit")

    def test_a_larger_stack_can_be_had(self):
        self.compile_c("deep", r"""
            int down(volatile int n) { volatile char b[4096]; b[n % 4096] = 1; return n ? down(n - 1) + b[n % 4096] : 0; }
            int main() { return down(5000) & 1; }""", "-O0")
        self.assertEqual(self.outcome("deep", "--stack", "8MiB")["signal"], "SIGSEGV")
        self.assert_outcome(self.outcome("deep", "--stack", "64MiB"), status="exited")

    def test_deep_recursion_in_python_is_pythons_error(self):
        outcome = self.program("p.py", "def f(): f()\nf()")
        self.assert_outcome(outcome, status="exited", exit_code=1)
        self.assertIn("RecursionError", outcome["stderr"])


class Output(Case):
    def test_floods_of_both_streams_at_once_are_each_counted(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import os
            for _ in range(300):
                os.write(1, b'o' * 65536)
                os.write(2, b'e' * 32768)
            os.write(1, b'END')
            os.write(2, b'FIN')"""), "--output-limit", "100KiB", "--timeout", "60")
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout_truncated=True, stderr_truncated=True)
        self.assertTrue(outcome["stdout"].endswith("END") and outcome["stdout"].startswith("ooo"))
        self.assertTrue(outcome["stderr"].endswith("FIN") and outcome["stderr"].startswith("eee"))

    def test_the_count_is_exact(self):
        outcome = self.program("p.py", "import sys\nsys.stdout.write('x' * 12345678)\nsys.stderr.write('y' * 2345678)",
                               "--output-limit", "64KiB")
        self.assert_outcome(outcome, stdout_bytes=12345678, stderr_bytes=2345678)

    def test_the_cut_is_at_a_character_boundary(self):
        for shift in range(3):
            outcome = self.program("p.py", f"print('x' * {shift} + '漢' * 200000, end='')", "--output-limit", "64KiB")
            self.assert_outcome(outcome, stdout_truncated=True, stdout_encoding="utf-8", stdout_bytes=shift + 600000)

    def test_output_just_at_the_limit_is_whole(self):
        outcome = self.program("p.py", "print('x' * 65536, end='')", "--output-limit", "64KiB")
        self.assert_outcome(outcome, stdout_truncated=False, stdout="x" * 65536)

    def test_an_endless_flood_ends_by_another_limit(self):
        outcome = self.program("p.sh", "exec cat /dev/zero", "--output-limit", "64KiB", "--timeout", seconds(2),
                               "--cpu-time", seconds(1.5))
        self.assertIn(outcome["status"], ("wall_time_exceeded", "cpu_time_exceeded"))
        self.assertTrue(outcome["stdout_truncated"])
        self.assertGreater(outcome["stdout_bytes"], 1 << 20)
