"""What every runtime must do, and what some do besides."""

import os
import shutil
import sys
import textwrap
import time

from sandpit_tests import Case

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
