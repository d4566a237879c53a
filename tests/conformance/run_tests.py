#!/usr/bin/python3
"""Every runtime and every limit, with programs that really do what the limit is for.

    run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]
"""

import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.dont_write_bytecode = True
from sandpit_tests import NOBODY, PATIENCE, SLOWNESS, SOURCE, Case, main, sandpit_path, seconds  # noqa: E402

# Programs in every language: {what: text}. `EXTENSION` names the file.
ARGUMENTS = ["a b", "", "it's", 'say "x"', "-v", "--json", "--", "ünï ☃", "$HOME", "*"]


class Basics:
    """What every runtime must do; a subclass gives the programs."""

    def start(self, what, *options, **more):
        return self.outcome(self.source(what), *options, **more)

    def source(self, what):
        name = "program" + self.EXTENSION
        self.write(name, textwrap.dedent(self.PROGRAMS[what]))
        return name

    def test_says_hello(self):
        outcome = self.start("hello")
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout="hello\n", stderr="", runtime=self.RUNTIME,
                            engine="jail", exit=0)

    def test_copies_standard_input_to_standard_output(self):
        data = "first\nsecond ☃\n".encode() * 5000
        outcome = self.start("cat", stdin=data)
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout=data.decode())

    def test_passes_arguments_untouched(self):
        outcome = self.start("arguments", arguments=ARGUMENTS)
        self.assert_outcome(outcome, status="exited", stdout="".join(f"[{word}]\n" for word in ARGUMENTS))

    def test_gives_the_exit_code(self):
        outcome = self.start("exit3")
        self.assert_outcome(outcome, status="exited", exit_code=3, exit=3)

    def test_shows_an_uncaught_error(self):
        outcome = self.start("error")
        self.assertIn(self.ERROR, outcome["stderr"] + str(outcome["signal"]))
        self.assertNotEqual(outcome["exit"], 0)

    def test_prints_unicode(self):
        self.assert_outcome(self.start("unicode"), stdout="grüße 😀 漢字\n", stdout_encoding="utf-8")

    def test_writes_to_its_work_directory_and_tmp(self):
        self.assert_outcome(self.start("files"), status="exited", exit_code=0, stdout="kept\nkept\n")

    def test_keeps_head_and_tail_of_a_flood_and_goes_on(self):
        outcome = self.start("flood", "--output-limit", "64KiB")
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout_truncated=True, stderr="went on\n",
                            stderr_truncated=False)
        self.assertTrue(outcome["stdout"].startswith("head\n"), outcome["stdout"][:100])
        self.assertTrue(outcome["stdout"].endswith("tail\n"), outcome["stdout"][-100:])
        self.assertEqual(outcome["stdout_bytes"], 5 + 20000 * 50 + 5)
        self.assertLess(len(outcome["stdout"]), 80 << 10)
        self.assertEqual(outcome["enforcement"]["output"], "pipe")

    def test_endless_loop_ends_by_cpu_time(self):
        outcome = self.start("loop", "--cpu-time", "0.5", "--timeout", "60")
        self.assert_outcome(outcome, status="cpu_time_exceeded", exit=124)
        self.assertGreaterEqual(outcome["cpu_time_ms"], 400)
        self.assert_exact(outcome, "cpu_time")

    def test_sleep_ends_by_wall_time(self):
        outcome = self.start("sleep", "--timeout", "1")
        self.assert_outcome(outcome, status="wall_time_exceeded", exit=124)
        self.assertGreaterEqual(outcome["wall_time_ms"], 1000)
        self.assertEqual(outcome["enforcement"]["wall_time"], "timer")

    def test_endless_allocation_ends_by_memory(self):
        outcome = self.start("allocate", "--memory", "100", "--cpu-time", "50", "--timeout", "60")
        self.assert_outcome(outcome, status="memory_exceeded", exit=137)
        self.assertIn("memory limit of 100 MiB exceeded", outcome["message"])
        self.assertGreater(outcome["peak_memory_kb"], 80 << 10)
        self.assert_exact(outcome, "memory")


class Python(Basics, Case):
    RUNTIME, EXTENSION, ERROR = "python", ".py", "ValueError: oops"
    PROGRAMS = {
        "hello": "print('hello')",
        "cat": "import shutil, sys; shutil.copyfileobj(sys.stdin, sys.stdout)",
        "arguments": "import sys\nfor word in sys.argv[1:]: print(f'[{word}]')",
        "exit3": "raise SystemExit(3)",
        "error": "raise ValueError('oops')",
        "unicode": "print('grüße 😀 漢字')",
        "files": """
            for name in ('x', '/tmp/x'):
                open(name, 'w').write('kept')
                print(open(name).read())""",
        "flood": """
            import sys
            print('head')
            for _ in range(20000): print('x' * 49)
            print('tail')
            print('went on', file=sys.stderr)""",
        "loop": "while True: pass",
        "sleep": "import time; time.sleep(600)",
        "allocate": "kept = []\nfor _ in range(2000): kept.append(bytearray(b'x') * (1 << 20))",
    }

    def test_packages_dir_is_importable_and_read_only(self):
        self.write("packages/greeting/__init__.py", "WORD = 'from packages'")
        self.write("own.toml", f"[runtimes.python]\npackages_dir = '{self.dir}/packages'\n")
        outcome = self.program("p.py", textwrap.dedent("""
            import greeting, os
            print(greeting.WORD)
            for change in (lambda: open(greeting.__file__, 'w'), lambda: os.unlink(greeting.__file__),
                           lambda: os.mkdir(os.path.dirname(greeting.__file__) + '/x')):
                try:
                    change()
                    print('changed')
                except OSError as error:
                    print(type(error).__name__)"""), "--config", "own.toml")
        self.assertTrue(outcome["stdout"].startswith("from packages\n"), outcome)
        self.assertNotIn("changed", outcome["stdout"])
        self.assertEqual((self.dir / "packages/greeting/__init__.py").read_text(), "WORD = 'from packages'")

    def test_threads_and_multiprocessing_work_within_the_limit(self):
        outcome = self.program("p.py", textwrap.dedent("""
            import multiprocessing, threading
            def double(n): return 2 * n
            if __name__ == '__main__':
                thread = threading.Thread(target=print, args=('thread',))
                thread.start(); thread.join()
                with multiprocessing.Pool(2) as pool: print(pool.map(double, [1, 2, 3]))"""), "--open-files", "40")
        self.assert_outcome(outcome, stdout="thread\n[2, 4, 6]\n", exit_code=0)


class JavaScript(Basics, Case):
    RUNTIME, EXTENSION, ERROR = "javascript", ".js", "Error: oops"
    PROGRAMS = {
        "hello": "console.log('hello')",
        "cat": "process.stdout.write(require('fs').readFileSync('/dev/stdin'))",
        "arguments": "for (const word of process.argv.slice(2)) console.log(`[${word}]`)",
        "exit3": "process.exit(3)",
        "error": "throw new Error('oops')",
        "unicode": "console.log('grüße 😀 漢字')",
        "files": """
            const fs = require('fs');
            for (const name of ['x', '/tmp/x']) { fs.writeFileSync(name, 'kept'); console.log(fs.readFileSync(name, 'utf8')); }""",
        "flood": """
            console.log('head');
            for (let i = 0; i < 20000; ++i) console.log('x'.repeat(49));
            console.log('tail');
            console.error('went on');""",
        "loop": "for (;;) {}",
        "sleep": "setTimeout(() => {}, 600000)",
        "allocate": "const kept = []; for (let i = 0; i < 2000; ++i) kept.push(Buffer.alloc(1 << 20, 'x'))",
    }

    def setUp(self):
        super().setUp()
        if not (shutil.which("node") or shutil.which("nodejs")):
            self.skipTest("node (apt-get install -y nodejs)")

    def test_modules_dir_is_importable_and_read_only(self):
        self.write("modules/greeting/index.js", "module.exports = 'from modules'")
        self.write("own.toml", f"[runtimes.javascript]\nmodules_dir = '{self.dir}/modules'\n")
        program = textwrap.dedent("""
            console.log(require('greeting'));
            try { require('fs').writeFileSync(require.resolve('greeting'), 'x'); console.log('changed'); }
            catch (error) { console.log(error.code); }""")
        outcome = self.program("p.js", program, "--config", "own.toml")
        self.assertRegex(outcome["stdout"], r"^from modules\n(EROFS|EACCES|EPERM)\n$", outcome["stderr"])
        outcome = self.program("p.mjs", "import g from 'greeting'; console.log(g)", "--config", "own.toml")
        self.assert_outcome(outcome, stdout="from modules\n")

    def test_default_limits_leave_room_for_two_worker_threads(self):
        outcome = self.program("p.js", textwrap.dedent("""
            const { Worker, isMainThread, parentPort } = require('worker_threads');
            if (isMainThread) {
              let left = 2;
              for (let i = 0; i < 2; ++i)
                new Worker(__filename).on('message', (m) => { console.log(m); if (--left === 0) console.log('all'); });
            } else parentPort.postMessage('worker');"""), "--processes", "10", "--open-files", "20")
        self.assert_outcome(outcome, stdout="worker\nworker\nall\n", exit_code=0, status="exited")

    def test_default_limits_leave_room_for_a_child_process_and_open_files(self):
        outcome = self.program("p.js", textwrap.dedent("""
            const fs = require('fs');
            const kept = [];
            for (let i = 0; i < 10; ++i) kept.push(fs.openSync('f' + i, 'w'));
            console.log(require('child_process').execFileSync('echo', ['child']).toString().trim(), kept.length);"""),
            "--processes", "10", "--open-files", "20")
        self.assert_outcome(outcome, stdout="child 10\n", exit_code=0)


class Shell(Basics, Case):
    RUNTIME, EXTENSION, ERROR = "shell", ".sh", "oops"
    PROGRAMS = {
        "hello": "echo hello",
        "cat": "cat",
        "arguments": "for word in \"$@\"; do printf '[%s]\\n' \"$word\"; done",
        "exit3": "exit 3",
        "error": "set -u; echo \"$oops\"",
        "unicode": "echo 'grüße 😀 漢字'",
        "files": "for name in x /tmp/x; do printf kept > $name; cat $name; echo; done",
        "flood": """
            echo head
            i=0; while [ $i -lt 20000 ]; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; i=$((i+1)); done
            echo tail
            echo went on >&2""",
        "loop": "while :; do :; done",
        "sleep": "sleep 600",
        "allocate": "x=xxxxxxxxxxxxxxxx; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do x=$x$x; done",
    }

    def test_the_first_line_chooses_the_shell(self):
        outcome = self.program("p.sh", "#!/bin/sh -e\nfalse\necho unreached\n")
        self.assert_outcome(outcome, stdout="", exit_code=1)
        outcome = self.program("p", "#!/bin/bash\necho ${BASH_VERSION:+bash}\n")
        self.assert_outcome(outcome, stdout="bash\n")

    def test_pipelines_and_background_jobs_work(self):
        outcome = self.program("p.sh", "printf '3\\n1\\n2\\n' | sort | tr '\\n' ' '; (echo later) & wait")
        self.assert_outcome(outcome, stdout="1 2 3 later\n", exit_code=0)


C_PROGRAMS = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char** argv) {
  const char* what = argv[1];
  if (!strcmp(what, "hello")) puts("hello");
  if (!strcmp(what, "cat")) { char b[4096]; long n; while ((n = read(0, b, sizeof b)) > 0) if (write(1, b, n) < 0) return 1; }
  if (!strcmp(what, "arguments")) for (int i = 2; i < argc; ++i) printf("[%s]\n", argv[i]);
  if (!strcmp(what, "exit3")) return 3;
  if (!strcmp(what, "error")) abort();
  if (!strcmp(what, "unicode")) puts("grüße 😀 漢字");
  if (!strcmp(what, "files")) for (int i = 0; i < 2; ++i) {
    char b[5] = {0};
    FILE* f = fopen(i ? "/tmp/x" : "x", "w+");
    fputs("kept", f); rewind(f); fread(b, 1, 4, f); puts(b); fclose(f);
  }
  if (!strcmp(what, "flood")) {
    puts("head");
    for (int i = 0; i < 20000; ++i) puts("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    puts("tail"); fputs("went on\n", stderr);
  }
  if (!strcmp(what, "loop")) for (volatile unsigned long i = 0;; ++i) {}
  if (!strcmp(what, "sleep")) sleep(600);
  if (!strcmp(what, "allocate")) for (int i = 0; i < 2000; ++i) memset(malloc(1 << 20), 'x', 1 << 20);
  return 0;
}
"""


class Native(Basics, Case):
    RUNTIME, EXTENSION, ERROR = "native", "", "SIGABRT"
    FLAGS = ()

    def setUp(self):
        super().setUp()
        self.compile_c("program", C_PROGRAMS, *self.FLAGS)

    def start(self, what, *options, arguments=(), **more):
        return self.outcome("program", *options, arguments=[what, *arguments], **more)


class NativeStatic(Native):
    FLAGS = ("-static",)


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
        self.program("p.py", Memory.ONE, "--memory", "32")
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
        outcome = self.program("p.py", Memory.ONE + "\nimport time; time.sleep(5)", "--memory", "64", "--timeout", "100",
                               "--cpu-time", "60")
        self.assert_outcome(outcome, status="memory_exceeded", exit=137)
        self.assertIn("sampled", outcome["enforcement"]["memory"])

    def test_memory_of_twenty_processes_is_sampled(self):
        outcome = self.program("p.py", Memory.TWENTY, "--memory", "128", "--processes", "30", "--timeout", "100",
                               "--cpu-time", "60")
        self.assert_outcome(outcome, status="memory_exceeded", stdout="")

    def test_cpu_time_of_short_lived_children_is_found(self):
        self.compile_c("burn", "#include <signal.h>\n" + BURN)
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
        self.write("p.py", Memory.TWENTY)
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


if __name__ == "__main__":
    main()
