"""Programs that are compiled here, from C and Rust."""

import os
import pathlib
import shutil
import subprocess
import textwrap

from wasm_case import WasmCase

PROGRAM = r"""
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) printf("[%s] ", argv[i]);
  printf("%s %.3f\n", getenv("WORD") ? getenv("WORD") : "-", 1.0 / 3);
  char** kept = malloc(1000 * sizeof *kept);
  for (int i = 0; i < 1000; ++i) { kept[i] = malloc(1000 + i); memset(kept[i], i, 1000 + i); }
  for (int i = 0; i < 1000; ++i) if (kept[i][999 + i] != (char)i) return 9;
  FILE* file = fopen("/data/made", "w");
  if (!file) { printf("no file: %s\n", strerror(errno)); return 3; }
  fputs("written by C", file);
  fclose(file);
  char text[64] = {0};
  file = fopen("/data/made", "r");
  fgets(text, sizeof text, file);
  printf("%s\n", text);
  char line[64];
  while (fgets(line, sizeof line, stdin)) fprintf(stderr, "read %s", line);
  return time(0) > 1000000000 ? 0 : 4;
}
"""


class C(WasmCase):
    def setUp(self):
        super().setUp()
        self.clang = next((name for name in ("clang-19", "clang") if shutil.which(name)), None)
        self.linker = next((name for name in ("wasm-ld-19", "wasm-ld") if shutil.which(name)), None)
        if not (self.clang and self.linker and os.path.exists("/usr/lib/wasm32-wasi/libc.a")):
            self.skipTest("clang-19, lld-19, wasi-libc and libclang-rt-19-dev-wasm32 (apt-get install -y ...)")

    def build(self, text, *flags):
        self.write("program.c", text)
        done = subprocess.run([self.clang, "--target=wasm32-wasi", f"-fuse-ld={shutil.which(self.linker)}", "-O1", "-o", "program.wasm",
                               "program.c", *flags], cwd=self.dir, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return "program.wasm"

    def test_prints_allocates_and_uses_files(self):
        self.build(PROGRAM)
        (self.dir / "data").mkdir()
        outcome = self.outcome("program.wasm", "--write", "data:/data", "--env", "WORD=word", arguments=["a", "b c"], stdin=b"1\n2\n")
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout="[a] [b c] word 0.333\nwritten by C\n",
                            stderr="read 1\nread 2\n")
        self.assertEqual((self.dir / "data/made").read_text(), "written by C")

    def test_without_a_grant_the_file_is_not_there(self):
        outcome = self.outcome(self.build(PROGRAM))
        self.assertEqual(outcome["exit_code"], 3, outcome)
        self.assertIn("no file: ", outcome["stdout"])

    def test_an_abort_is_a_trap_with_lines(self):
        self.build("#include <stdlib.h>\nint fall(int n) {\n  if (n == 1) abort();\n  return n;\n}\n"
                   "int main(int argc, char** argv) { return fall(argc); }\n", "-g", "-O0")
        outcome = self.outcome("program.wasm")
        self.assert_trap(outcome, "unreachable")
        trace = "\n".join(outcome["wasm"]["backtrace"])
        self.assertRegex(trace, r"fall \(.*program\.c:3")

    def test_malloc_gives_nothing_at_the_limit(self):
        self.build("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint main() { int n = 0; void* volatile p;\n"
                   "  while ((p = malloc(1 << 20))) { memset(p, 1, 1 << 20); ++n; }\n  printf(\"%d\\n\", n); return 0; }")
        outcome = self.outcome("program.wasm", "--memory", "256MiB", *self.config("max_memory_pages = 800"))
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertLess(int(outcome["stdout"]), 50)
        self.assertGreater(int(outcome["stdout"]), 40)


class Rust(WasmCase):
    def test_a_command(self):
        if not shutil.which("rustc"):
            self.skipTest("rustc")
        root = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=False).stdout.strip()
        if not (pathlib.Path(root) / "lib/rustlib/wasm32-wasip1").exists():
            self.skipTest("Rust's standard library for wasm32-wasip1 (rustup target add wasm32-wasip1)")
        self.write("p.rs", textwrap.dedent("""
            fn main() {
                let words: Vec<String> = std::env::args().skip(1).collect();
                println!("{} {:?}", words.join("+"), std::fs::read_to_string("/data/in"));
            }"""))
        self.write("data/in", "text")
        subprocess.run(["rustc", "--target", "wasm32-wasip1", "p.rs"], cwd=self.dir, check=True)
        outcome = self.outcome("p.wasm", "--read", "data:/data", arguments=["a", "b"])
        self.assert_outcome(outcome, exit_code=0, stdout='a+b Ok("text")\n')
