#!/usr/bin/env python3
"""Every language end to end: its conformance programs, sources of several files, and compilers under attack.

    run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]

What compilers need once (standard libraries, precompiled headers) is kept in $SANDPIT_TEST_CACHE from suite to suite.
"""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tomllib
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sandpit_tests  # noqa: E402
from sandpit_tests import Case, private_directory, seconds  # noqa: E402

RUNTIMES = pathlib.Path(os.environ.get("SANDPIT_RUNTIMES_DIR") or sandpit_tests.SOURCE / "runtimes")
CASES = {"hello", "stdin", "args", "unicode", "exit", "error", "loop", "memory", "flood"}
CACHE = os.environ.get("SANDPIT_TEST_CACHE") or str(private_directory("sandpit-suite-cache-"))
HOME = os.environ.get("HOME", "")


def manifests():
    for path in sorted(RUNTIMES.glob("*/runtime.toml")):
        yield tomllib.loads(path.read_text())


class LanguageCase(Case):
    def setUp(self):
        super().setUp()
        # The user's own home: tool chains such as rustup's live there. Not the user's own configuration and cache.
        self.env |= {"HOME": HOME or self.env["HOME"], "XDG_CACHE_HOME": CACHE,
                     "XDG_CONFIG_HOME": self.env.get("XDG_CONFIG_HOME", str(self.dir / "config"))}

    def need_runtime(self, runtime):
        shown = self.sandpit("runtimes", "show", runtime, "--json")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        state = json.loads(shown.stdout)
        if state["state"] != "ready":
            self.skipTest(f"{runtime} ({state['install_hint']})")
        return state

    def run_cases(self, runtime):
        done = self.sandpit("runtimes", "test", "--json", runtime)
        tested = json.loads(done.stdout)
        if tested["state"] != "ready":
            self.skipTest(f"{runtime} ({tested['install_hint']})")
        failed = {case["name"]: case["why"] for case in tested["cases"] if case["verdict"] == "failed"}
        self.assertEqual(failed, {}, done.stderr.decode())
        self.assertEqual(done.returncode, 0)
        return {case["name"] for case in tested["cases"] if case["verdict"] == "passed"}


class Tier1(LanguageCase):
    """All cases of each language."""


class Tier2(LanguageCase):
    """Those cases that have a program; hello at least."""


def add_language(manifest):
    name, tier = manifest["id"], manifest.get("tier", 2)
    compiled = "compile" in manifest

    def test(self):
        passed = self.run_cases(name)
        wanted = (CASES | ({"compile_error"} if compiled else set())) if tier == 1 else {"hello"}
        self.assertLessEqual(wanted, passed)
    setattr(Tier1 if tier == 1 else Tier2, f"test_{name}", test)


for one in manifests():
    if one["id"] != "native":  # conformance/Native tests it
        add_language(one)
add_language({"id": "wasm", "tier": 1})


class Sources(LanguageCase):
    """More than one file."""

    def setUp(self):
        super().setUp()
        self.need_runtime("c")
        self.write("project/main.c", '#include <stdio.h>\n#include "lib/add.h"\nint main(void) { printf("%d\\n", add(2, 3)); return 0; }\n')
        self.write("project/lib/add.h", "int add(int, int);\n")
        self.write("project/lib/add.c", "int add(int a, int b) { return a + b; }\n")
        self.write("project/data.txt", "data\n")

    def test_a_directory_with_an_entry_point_is_compiled_whole(self):
        done = self.sandpit("run", "--entry", "main.c", "project")
        self.assertEqual((done.stdout, done.returncode), (b"5\n", 0), done.stderr)

    def test_a_directory_without_an_entry_point_is_a_usage_error(self):
        done = self.sandpit("run", "project")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--entry", done.stderr)

    def test_the_entry_point_may_be_named_behind_the_directory(self):
        self.write("project/args.sh", 'echo "$@"\n')
        for words in (("--entry", "args.sh"), ("--entry=args.sh",), ("--entry", "args.sh", "--")):
            done = self.sandpit("run", "project/", *words, "--entry", "x")
            self.assertEqual(done.stdout, b"--entry x\n", (words, done.stderr))
        # Behind a file it is the program's.
        done = self.sandpit("run", "project/args.sh", "--entry", "args.sh")
        self.assertEqual(done.stdout, b"--entry args.sh\n", done.stderr)

    def test_an_entry_point_outside_of_the_directory_is_refused(self):
        self.write("main.c", "int main(void) { return 0; }\n")
        for entry in ("../main.c", "/etc/passwd", "missing.c", "lib"):
            done = self.sandpit("run", "--entry", entry, "project")
            self.assertEqual(done.returncode, 2, (entry, done.stderr))

    def test_what_is_no_source_is_there_for_the_program(self):
        self.write("project/main.py", "print(open('data.txt').read(), open('lib/add.h').read(), sep='')\n")
        done = self.sandpit("run", "--entry", "main.py", "project")
        self.assertEqual(done.stdout, b"data\nint add(int, int);\n\n", done.stderr)

    def test_hidden_files_and_links_are_left_out(self):
        self.write("project/.git/config", "secret\n")
        self.write("secret", "secret\n")
        os.symlink("../secret", self.dir / "project/link")
        self.write("project/list.sh", "ls -A; cat link .git/config\n")
        done = self.sandpit("run", "--entry", "list.sh", "project")
        self.assertNotIn(b"secret", done.stdout)
        self.assertNotIn(b".git", done.stdout)
        self.assertIn(b"'link' was left out", done.stderr)

    def test_more_files_come_beside_the_program_under_the_names_they_are_given(self):
        self.write("main.py", "import util, pkg.mod\nprint(util.x, pkg.mod.y)\n")
        self.write("u.py", "x = 1\n")
        self.write("m.py", "y = 2\n")
        done = self.sandpit("run", "--file", "u.py:util.py", "--file", "m.py:pkg/mod.py", "main.py")
        self.assertEqual(done.stdout, b"1 2\n", done.stderr)

    def test_names_that_lead_out_of_the_directory_are_refused(self):
        self.write("main.py", "print(1)\n")
        self.write("u.py", "x = 1\n")
        for name in ("../u.py", "/u.py", "a/../../u.py", "main.py", "."):
            done = self.sandpit("run", "--file", f"u.py:{name}", "main.py")
            self.assertEqual(done.returncode, 2, (name, done.stdout, done.stderr))

    def test_a_directory_with_too_many_files_is_refused(self):
        many = self.dir / "many"
        many.mkdir()
        for i in range(4200):
            (many / f"f{i}").write_text("")
        (many / "main.py").write_text("print(1)\n")
        done = self.sandpit("run", "--entry", "main.py", "many")
        self.assertEqual(done.returncode, 126, done.stderr)
        self.assertIn(b"4096", done.stderr)


    def test_a_name_is_one_file_only(self):
        self.write("a.c", "int main(void) { return 0; }\n")
        self.write("b.c", "int x;\n")
        for words in (("--file", "b.c:x", "--file", "b.c:x/y", "a.c"), ("--file", "b.c:a.c/y", "a.c"), ("--file", "b.c:x", "--file", "b.c:x", "a.c")):
            done = self.sandpit("run", *words)
            self.assertEqual(done.returncode, 2, (words, done.stdout, done.stderr))
        # What comes by stdin has a name, too.
        done = self.sandpit("run", "--runtime", "c", "--file", "b.c:main.c", "-", stdin=b"int main(void) { return 0; }\n")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(b"main.c", done.stderr)

    def test_a_go_module_with_packages_and_embedded_files_is_built_whole(self):
        self.need_runtime("go")
        self.write("m/go.mod", "module example.org/greet\n\ngo 1.18\n")
        self.write("m/main.go", 'package main\n\nimport (\n\t"embed"\n\t"fmt"\n\t"example.org/greet/words"\n)\n\n'
                   "//go:embed data/*.txt\nvar data embed.FS\n\n//go:embed data/one.txt\nvar one string\n\nfunc main() {\n"
                   '\tall, _ := data.ReadDir("data")\n\tfmt.Print(words.Greeting(), len(all), one)\n}\n')
        self.write("m/words/words.go", 'package words\n\nfunc Greeting() string { return "hello " }\n')
        self.write("m/words/words_test.go", "package words\n\nfunc this is no Go {\n")  # tests are no part of the program
        self.write("m/data/one.txt", " one\n")
        self.write("m/data/two.txt", "two\n")
        done = self.sandpit("run", "--entry", "main.go", "m")
        self.assertEqual((done.stdout, done.returncode), (b"hello 2 one\n", 0), done.stderr)
        # Another embedded file is another program.
        self.write("m/data/one.txt", " uno\n")
        self.assertEqual(self.sandpit("run", "--entry", "main.go", "m").stdout, b"hello 2 uno\n")


class Library(LanguageCase):
    """`tests/library.EXT`: what standard libraries ask of the system works in the jail. tools/measure_syscalls.py runs them, too."""


def add_library(path):
    name = path.parents[1].name

    def test(self):
        self.need_runtime(name)
        outcome = self.outcome(path, "--runtime", name, "--lint", "off", "--processes", "100", "--open-files", "200", "--timeout",
                               seconds(60), "--cpu-time", seconds(30))
        self.assertEqual((outcome["status"], outcome["exit_code"]), ("exited", 0), outcome)
        self.assertTrue(outcome["stdout"].endswith("done\n"), outcome)
    setattr(Library, f"test_{name}", test)


for one in sorted(RUNTIMES.glob("*/tests/library.*")):
    add_library(one)


class CompileCache(LanguageCase):
    """Several processes at once, and the keys of [compile] through the command line."""

    def setUp(self):
        super().setUp()
        self.need_runtime("c")
        self.env["XDG_CACHE_HOME"] = str(self.dir / "cache")
        self.write("a.c", '#include <stdio.h>\nint main(void) { return puts("ok") < 0; }\n')

    def cached(self, *options):
        return self.outcome("a.c", *options)["compile"].get("cached", False)

    def configured(self, text):
        return ("--config", str(self.write("config.toml", "[compile]\n" + text)))

    def entries(self, where="cache/sandpit/compile"):
        return [path for path in (self.dir / where).glob("*") if path.suffix == ".program"]

    def test_many_processes_that_compile_the_same_at_once_all_get_it(self):
        runs = [subprocess.Popen([sandpit_tests.SANDPIT, "run", "a.c"], cwd=self.dir, env=self.env, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE) for _ in range(6)]
        for run in runs:
            output, errors = run.communicate(timeout=sandpit_tests.PATIENCE)
            self.assertEqual((output, run.returncode), (b"ok\n", 0), errors)
        self.assertEqual(len(self.entries()), 1)
        self.assertEqual([path for path in (self.dir / "cache/sandpit/compile").iterdir() if path.name.endswith(".tmp")], [])
        self.assertTrue(self.cached())

    def test_cache_is_switched_off_by_the_configuration(self):
        self.cached()
        self.assertTrue(self.cached())
        self.assertFalse(self.cached(*self.configured("cache = false\n")))

    def test_cache_dir_is_where_entries_go(self):
        self.cached(*self.configured(f'cache_dir = "{self.dir}/elsewhere"\n'))
        self.assertEqual((len(self.entries()), len(self.entries("elsewhere"))), (0, 1))

    def test_cache_max_size_bounds_the_directory(self):
        options = self.configured('cache_max_size = "1MiB"\n')
        for number in range(4):
            self.write("a.c", f"const char it[400000] = {{{number + 1}}};\nint main(void) {{ return it[0]; }}\n")
            self.assertEqual(self.outcome("a.c", *options)["exit_code"], number + 1)
        self.assertLessEqual(sum(path.stat().st_size for path in self.entries()), 1 << 20)
        self.assertEqual(len(self.entries()), 2)

    def test_a_directory_that_others_may_write_to_is_not_used_nor_changed(self):
        shared = self.dir / "shared"
        shared.mkdir()
        shared.chmod(0o777)
        options = self.configured(f'cache_dir = "{shared}"\n')
        self.assertFalse(self.cached(*options))
        self.assertFalse(self.cached(*options))
        self.assertEqual((shared.stat().st_mode & 0o777, list(shared.iterdir())), (0o777, []))

    def test_an_entry_of_another_user_is_not_believed(self):
        if os.geteuid() != 0:
            self.skipTest("root, to give a file away")
        self.cached()
        [entry] = self.entries()
        os.chown(entry, 12345, 12345)
        self.assertFalse(self.cached())

    def test_a_forged_entry_without_the_right_checksum_is_not_believed(self):
        self.cached()
        [entry] = self.entries()
        bytes_of = bytearray(entry.read_bytes())
        at = bytes_of.index(b"ok\0")
        bytes_of[at:at + 2] = b"no"
        entry.write_bytes(bytes_of)
        done = self.sandpit("run", "a.c")
        self.assertEqual(done.stdout, b"ok\n")


class Versions(LanguageCase):
    def test_a_version_that_the_manifest_lists_is_used(self):
        self.need_runtime("lua")
        listed = json.loads(self.sandpit("runtimes", "show", "lua", "--json").stdout)["versions"]
        self.assertIn("5.4", listed)
        self.write("v.lua", "print(_VERSION)\n")
        if shutil.which("lua5.4"):
            self.assertEqual(self.sandpit("run", "--runtime", "lua@5.4", "v.lua").stdout, b"Lua 5.4\n")

    def test_a_version_that_nobody_knows_is_an_error_that_names_the_known_ones(self):
        self.write("v.lua", "print(_VERSION)\n")
        done = self.sandpit("run", "--runtime", "lua@9", "v.lua")
        self.assertEqual(done.returncode, 127)
        self.assertIn(b"5.4", done.stderr)

    def test_the_version_that_is_installed_is_found_by_any_beginning_of_it(self):
        """Whether the manifest lists it (python@3.11), or does not (javascript@20, typescript@7)."""
        for name in ("python", "javascript", "typescript", "perl", "c"):
            runtime = json.loads(self.sandpit("runtimes", "show", name, "--json").stdout)
            if runtime["state"] != "ready":
                continue
            extension = runtime["extensions"][0]
            hello = RUNTIMES / name / f"hello.{extension}"
            numbers = runtime["version"].split(".")
            for count in (1, 2, 3):
                version = ".".join(numbers[:count])
                with self.subTest(runtime=f"{name}@{version}"):
                    outcome = self.outcome(hello, "--runtime", f"{name}@{version}")
                    self.assertEqual(outcome["stdout"], "Hello, World!\n", outcome)
                    self.assertEqual(outcome["runtime_version"], version)
            done = self.sandpit("run", "--runtime", f"{name}@{numbers[0]}0", hello)
            self.assertEqual(done.returncode, 127, done.stderr)
            self.assertIn(f"installed: {runtime['version']}".encode(), done.stderr)

    def test_every_language_that_is_installed_tells_its_version(self):
        listed = json.loads(self.sandpit("runtimes", "--json").stdout)
        without = [one["name"] for one in listed if one["state"] == "ready" and not one["version"] and one["name"] != "native"]
        self.assertEqual(without, [])

    def test_a_version_that_is_listed_and_not_there_is_named_with_its_program(self):
        version = next(each for each in ("8.5", "8.4", "8.3", "8.1") if not shutil.which("php" + each))
        self.write("v.php", "<?php\n")
        done = self.sandpit("run", "--runtime", f"php@{version}", "v.php")
        self.assertEqual(done.returncode, 127)
        self.assertIn(f"PHP {version} is not installed: no 'php{version}' found".encode(), done.stderr)

    def test_an_alias_is_as_good_as_the_name(self):
        self.need_runtime("cpp")
        self.write("a.txt", "int main() { return 4; }\n")
        self.assertEqual(self.sandpit("run", "--runtime", "c++", "a.txt").returncode, 65, "g++ takes .txt for a linker script")
        self.write("a.cc", "int main() { return 4; }\n")
        self.assertEqual(self.sandpit("run", "--runtime", "c++", "a.cc").returncode, 4)


class Messages(LanguageCase):
    """What a compiler says reaches the user; where it stood goes with it."""

    def test_warnings_are_shown_and_the_program_runs(self):
        self.need_runtime("c")
        self.write("warn.c", "int main(void) { int* p = 5; return p == 0 ? 1 : 7; }\n")
        for _ in range(2):  # the second time from the cache
            done = self.sandpit("run", "warn.c")
            self.assertIn(b"warn.c:1:27: warning: ", done.stderr)
            self.assertEqual(done.returncode, 7)

    def test_the_compile_step_is_told_apart_in_json(self):
        self.need_runtime("c")
        outcome = self.program("a.c", f"int main(void) {{ return 5; }} // {os.urandom(8).hex()}\n")  # never compiled before
        self.assertEqual((outcome["status"], outcome["exit_code"]), ("exited", 5))
        self.assertEqual(outcome["compile"]["status"], "exited")
        self.assertNotIn("cached", outcome["compile"])
        again = self.outcome("a.c")
        self.assertTrue(again["compile"]["cached"])

    def test_a_compile_error_ends_with_65_and_the_compilers_own_words(self):
        self.need_runtime("c")
        self.write("wrong.c", "int main(void) { return x; }\n")
        done = self.sandpit("run", "wrong.c")
        self.assertEqual((done.returncode, done.stdout), (65, b""))
        self.assertIn(b"wrong.c:1:25: error: ", done.stderr)

    def test_a_java_class_of_another_name_than_the_file_is_started(self):
        self.need_runtime("java")
        self.write("program.java", "public final class Other {\n  public static void main(String[] a) { System.out.println(a[0]); }\n}\nclass Z {}\n")
        done = self.sandpit("run", "program.java", "yes")
        self.assertEqual(done.stdout, b"yes\n", done.stderr)

    def test_a_java_package_is_started(self):
        self.need_runtime("java")
        self.write("Main.java", "package a.b;\nclass Helper {}\npublic class Main {\n  public static void main(String[] args) { System.out.println(Main.class.getName()); }\n}\n")
        done = self.sandpit("run", "Main.java")
        self.assertEqual(done.stdout, b"a.b.Main\n", done.stderr)


ODD_NAMES = ["a b", "a\nb", "-o", "@a b", "$(touch pwned)", "a;b", "a'b\"c", "`id`", "&", "*", "%s", "a\\b", "@args", "ü"]


class OddNames(LanguageCase):
    """A file's name is never code. Java and Go compile through a shell."""

    def check(self, runtime, extension, text):
        self.need_runtime(runtime)
        for stem in ODD_NAMES:
            name = f"{stem}.{extension}"
            self.write(name, text)
            done = self.sandpit("run", "--timeout", seconds(20), "--", name)
            # A compiler may refuse a name that it can't use; nothing else may come of it.
            self.assertIn(done.returncode, (0, 65), (name, done.stderr))
            if done.returncode == 0:
                self.assertEqual(done.stdout, b"ok\n", (name, done.stderr))
            self.assertNotIn(b"uid=", done.stdout + done.stderr)
        self.assertFalse((self.dir / "pwned").exists())
        return True

    def test_a_name_with_an_at_sign_is_no_file_of_options(self):
        """`@x.c` beside `x.c`: gcc, javac and rustc take the one for a list of options in the other."""
        for runtime, extension, text, options in (
                ("c", "c", "#include <stdio.h>\nint main(void) { puts(\"ok\"); return 0; }\n", "--version"),
                ("java", "java", 'class A { public static void main(String[] a) { System.out.println("ok"); } }\n', "-version"),
                ("rust", "rs", 'fn main() { println!("ok"); }\n', "--version")):
            with self.subTest(runtime):
                self.need_runtime(runtime)
                self.write(f"at-{runtime}/@x.{extension}", text)
                done = self.sandpit("run", "--timeout", seconds(20), "--entry", f"@x.{extension}", f"at-{runtime}")
                self.assertEqual(done.stdout, b"ok\n", done.stderr)
                self.write(f"at-{runtime}/x.{extension}", options + "\n")
                done = self.sandpit("run", "--timeout", seconds(20), "--entry", f"@x.{extension}", f"at-{runtime}")
                for told in (b"Free Software", b"javac 1", b"rustc 1"):
                    self.assertNotIn(told, done.stdout + done.stderr)

    def test_c(self):
        self.check("c", "c", '#include <stdio.h>\nint main(void) { return puts("ok") < 0; }\n')

    def test_java(self):
        self.check("java", "java", 'class A { public static void main(String[] a) { System.out.println("ok"); } }\n')

    def test_go(self):
        self.check("go", "go", 'package main\n\nfunc main() { println2("ok") }\n\nfunc println2(s string) { os.Stdout.WriteString(s + "\\n") }\n'
                   .replace("package main\n", 'package main\n\nimport "os"\n'))

    def test_python(self):
        self.check("python", "py", 'print("ok")\n')


class CompilersUnderAttack(LanguageCase):
    """Each attempt is made outside first: there it does what it is about."""

    LIMITS = ("--compile-timeout", seconds(3), "--compile-memory", "400MiB")

    def bare(self, argv, timeout=4.0, file_size=None, memory=3 << 30):
        """Outside of the sandbox, in a limit of ours. None: it did not end in time."""
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if file_size:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
        try:
            return subprocess.run(argv, cwd=self.dir, env=self.env, preexec_fn=limit, capture_output=True, check=False,
                                  timeout=timeout * sandpit_tests.SLOWNESS)
        except subprocess.TimeoutExpired:
            return None

    def assert_stopped(self, outcome, *statuses):
        self.assertEqual((outcome["status"], outcome["exit"]), ("compile_failed", 65), outcome["message"])
        if statuses:
            self.assertIn(outcome["compile"]["status"], statuses, outcome["message"])

    def secret(self):
        return self.write("secret.h", '#define SECRET "the secret of the host"\n')

    def test_including_a_file_of_the_host(self):
        self.need_runtime("c")
        secret = self.secret()
        text = f'#include <stdio.h>\n#include "{secret}"\nint main(void) {{ puts(SECRET); return 0; }}\n'
        self.write("steal.c", text)
        self.assertEqual(self.bare(["gcc", "-o", "steal", "steal.c"]).returncode, 0)
        self.assertIn(b"the secret", self.bare(["./steal"]).stdout)
        done = self.sandpit("run", "steal.c")
        self.assertEqual(done.returncode, 65)
        self.assertNotIn(b"the secret", done.stdout + done.stderr)
        self.assertIn(b"No such file", done.stderr)

    def test_including_the_hosts_password_file(self):
        self.need_runtime("c")
        marker = next((line for line in pathlib.Path("/etc/passwd").read_text().splitlines()
                       if line.split(":")[0] in ("daemon", "bin", "games")), None)
        if marker is None:
            self.skipTest("a user 'daemon' in /etc/passwd")
        self.write("steal.c", "#include </etc/passwd>\nint main(void) { return 0; }\n")
        self.assertIn(marker.split(":")[0].encode(), self.bare(["gcc", "-E", "steal.c"]).stdout)
        outcome = self.outcome("steal.c")
        self.assert_stopped(outcome)
        self.assertNotIn(marker, json.dumps(outcome))

    def test_assembling_a_file_of_the_host_into_the_program(self):
        self.need_runtime("c")
        secret = self.secret()
        self.write("steal.c", '#include <stdio.h>\n__asm__(".data\\n.global it\\nit: .incbin \\"' + str(secret)
                   + '\\"\\n.byte 0\\n.text\\n");\nextern const char it[];\nint main(void) { puts(it); return 0; }\n')
        self.assertEqual(self.bare(["gcc", "-o", "steal", "steal.c"]).returncode, 0)
        self.assertIn(b"the secret", self.bare(["./steal"]).stdout)
        outcome = self.outcome("steal.c")
        self.assert_stopped(outcome)
        self.assertNotIn("the secret", json.dumps(outcome))

    def test_embedding_a_file_of_the_host_in_rust(self):
        rustc = self.need_runtime("rust")["compiler"]
        secret = self.secret()
        self.write("steal.rs", f'fn main() {{ print!("{{}}", include_str!("{secret}")); }}\n')
        self.assertEqual(self.bare([rustc, "steal.rs"], timeout=30).returncode, 0)
        self.assertIn(b"the secret", self.bare(["./steal"]).stdout)
        outcome = self.outcome("steal.rs")
        self.assert_stopped(outcome)
        self.assertNotIn("the secret", json.dumps(outcome))

    def test_reading_the_hosts_environment_while_compiling_rust(self):
        rustc = self.need_runtime("rust")["compiler"]
        self.env["TOKEN"] = "the secret of the host"
        self.write("steal.rs", 'fn main() { print!("{}", env!("TOKEN")); }\n')
        self.assertEqual(self.bare([rustc, "steal.rs"], timeout=30).returncode, 0)
        self.assertIn(b"the secret", self.bare(["./steal"]).stdout)
        outcome = self.outcome("steal.rs")
        self.assert_stopped(outcome)
        self.assertNotIn("the secret", json.dumps(outcome))

    def test_including_an_endless_file(self):
        self.need_runtime("c")
        self.write("endless.c", '#include "/dev/zero"\nint main(void) { return 0; }\n')
        bare = self.bare(["gcc", "-c", "endless.c"])
        self.assertTrue(bare is None or bare.returncode != 0)
        self.assert_stopped(self.outcome("endless.c", *self.LIMITS))

    def test_including_itself_for_ever(self):
        self.need_runtime("c")
        self.write("self.c", "#ifdef __INCLUDE_LEVEL__\n#include __FILE__\n#include __FILE__\n#endif\n")
        self.assertIsNone(self.bare(["gcc", "-fmax-include-depth=1000", "-c", "self.c"]))
        self.assert_stopped(self.outcome("self.c", *self.LIMITS), "wall_time_exceeded", "cpu_time_exceeded", "memory_exceeded",
                            "exited")

    def test_macros_that_double(self):
        self.need_runtime("c")
        lines = ["#define A0 x x x x x x x x x x"]
        lines += [f"#define A{i} A{i - 1} A{i - 1} A{i - 1} A{i - 1} A{i - 1} A{i - 1} A{i - 1} A{i - 1}" for i in range(1, 16)]
        self.write("bomb.c", "\n".join(lines) + "\nint main(void) { A15 }\n")
        bare = self.bare(["gcc", "-c", "bomb.c"])
        self.assertTrue(bare is None or b"memory" in bare.stderr, bare)
        self.assert_stopped(self.outcome("bomb.c", *self.LIMITS), "wall_time_exceeded", "cpu_time_exceeded", "memory_exceeded")

    def test_templates_without_end(self):
        self.need_runtime("cpp")
        self.write("bomb.cpp", "template <int A, int B> struct F { static constexpr int v = F<A - 1, B + 1>::v + F<A - 1, B - 1>::v; };\n"
                   "template <int B> struct F<0, B> { static constexpr int v = 1; };\n"
                   "template <int A> struct G { static constexpr int v = F<A, A * 100000>::v + G<A - 1>::v; };\n"
                   "template <> struct G<0> { static constexpr int v = 0; };\nint main() { return G<880>::v; }\n")
        self.assertIsNone(self.bare(["g++", "-std=gnu++20", "-c", "bomb.cpp"]))
        self.assert_stopped(self.outcome("bomb.cpp", *self.LIMITS), "wall_time_exceeded", "cpu_time_exceeded", "memory_exceeded")

    def test_an_object_of_ten_gigabytes(self):
        self.need_runtime("c")
        self.write("large.c", "char large[10000000000] = {1};\nint main(void) { return large[0]; }\n")
        megabytes = 512 << 20
        bare = self.bare(["gcc", "-mcmodel=large", "-c", "large.c"], timeout=60, file_size=megabytes)
        self.assertTrue(bare is None or bare.returncode != 0)
        outcome = self.outcome("large.c")
        self.assert_stopped(outcome)

    def test_a_program_that_is_larger_than_it_may_be(self):
        self.need_runtime("c")
        self.write("large.c", "char large[300000000] = {1};\nint main(void) { return large[0]; }\n")
        self.assertEqual(self.bare(["gcc", "-o", "large", "large.c"], timeout=60).returncode, 0)
        self.assertGreater((self.dir / "large").stat().st_size, 280 << 20)
        self.assert_stopped(self.outcome("large.c"))

    def test_cgo_reads_no_file_of_the_host(self):
        go = self.need_runtime("go")["compiler"]
        secret = self.secret()
        self.write("steal.go", f'package main\n\n// #include "{secret}"\n// const char* it(void) {{ return SECRET; }}\nimport "C"\n\n'
                   'func main() { println(C.GoString(C.it())) }\n')
        self.env |= {"GOTOOLCHAIN": "local", "GOCACHE": CACHE + "/go-build", "GOFLAGS": "-mod=mod"}
        bare = self.bare([go, "run", "steal.go"], timeout=120, memory=16 << 30)
        self.assertIn(b"the secret", bare.stderr)
        outcome = self.outcome("steal.go")
        self.assert_stopped(outcome)
        self.assertNotIn("the secret", json.dumps(outcome))

    def test_go_embeds_no_file(self):
        go = self.need_runtime("go")["compiler"]
        self.write("e/go.mod", "module e\n")
        self.write("e/secret.txt", "the secret of the host\n")
        text = 'package main\n\nimport _ "embed"\n\n//go:embed secret.txt\nvar it string\n\nfunc main() { print(it) }\n'
        self.write("e/main.go", text)
        self.env |= {"GOTOOLCHAIN": "local", "GOCACHE": CACHE + "/go-build", "GOFLAGS": "-mod=mod"}
        bare = self.bare([go, "run", "-C", "e", "."], timeout=120, memory=16 << 30)
        self.assertIn(b"the secret", bare.stderr)
        outcome = self.outcome("e/main.go")
        self.assert_stopped(outcome)
        self.assertNotIn("the secret", json.dumps(outcome))

    def test_annotation_processors_do_not_run(self):
        javac = self.need_runtime("java")["compiler"]
        self.write("p/Evil.java", "import java.util.*;\nimport javax.annotation.processing.*;\nimport javax.lang.model.element.*;\n"
                   '@SupportedAnnotationTypes("*")\npublic class Evil extends AbstractProcessor {\n'
                   "  public boolean process(Set<? extends TypeElement> a, RoundEnvironment r) { System.out.println(\"PROCESSED\"); return false; }\n}\n")
        self.write("p/Main.java", 'class Main { public static void main(String[] a) { System.out.println("ran"); } }\n')
        self.assertEqual(self.bare([javac, "-proc:none", "-d", "p", "p/Evil.java"], timeout=60, memory=64 << 30).returncode, 0)
        self.write("p/META-INF/services/javax.annotation.processing.Processor", "Evil\n")
        (self.dir / "p/Evil.java").unlink()
        bare = self.bare([javac, "-cp", "p", "-d", "out", "p/Main.java"], timeout=60, memory=64 << 30)
        self.assertIn(b"PROCESSED", bare.stdout + bare.stderr)
        done = self.sandpit("run", "--entry", "Main.java", "p")
        self.assertEqual(done.stdout, b"ran\n", done.stderr)
        self.assertNotIn(b"PROCESSED", done.stdout + done.stderr)

    def test_embedding_the_compilers_own_environment(self):
        rustc = self.need_runtime("rust")["compiler"]
        self.env["TOKEN"] = "the secret of the host"
        self.write("steal.rs", 'fn main() { print!("{}", include_str!("/proc/self/environ")); }\n')
        self.assertEqual(self.bare([rustc, "steal.rs"], timeout=30).returncode, 0)
        self.assertIn(b"the secret", self.bare(["./steal"]).stdout)
        outcome = self.outcome("steal.rs")
        self.assertNotIn("the secret", json.dumps(outcome))
        self.assertNotIn(str(self.dir), json.dumps(outcome))

    def test_a_linker_script_in_place_of_a_source_reads_nothing(self):
        self.need_runtime("cpp")
        marker = self.write("secret.o", "INPUT(/etc/passwd)\n")
        self.write("s/main.cpp", "int main() { return 0; }\n")
        self.write("s/program", "a file in the output's place\n")
        self.write("s/liba.so", marker.read_text())
        done = self.sandpit("run", "--entry", "main.cpp", "s")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(b"root:", done.stdout + done.stderr)

    def test_flags_of_cgo_do_not_count(self):
        go = self.need_runtime("go")["compiler"]
        self.write("flags.go", 'package main\n\n// #cgo LDFLAGS: -Wl,-wrap,main -fplugin=/tmp/x.so -o /tmp/pwned\n// int one(void) { return 1; }\nimport "C"\n\n'
                   'func main() { println(C.one()) }\n')
        self.env |= {"GOTOOLCHAIN": "local", "GOCACHE": CACHE + "/go-build", "GOFLAGS": "-mod=mod"}
        self.assertNotEqual(self.bare([go, "build", "-o", "flags", "flags.go"], timeout=120, memory=16 << 30).returncode, 0)
        self.assert_stopped(self.outcome("flags.go"))
        self.write("g/go.mod", "module g\n\ngo 1.18\n")
        self.write("g/main.go", (self.dir / "flags.go").read_text())
        done = self.sandpit("run", "--entry", "main.go", "g")
        self.assertEqual(done.returncode, 65, done.stderr)

    def test_embedding_follows_no_link_of_the_host(self):
        self.need_runtime("go")
        self.write("secret.txt", "the secret of the host\n")
        self.write("e/go.mod", "module e\n\ngo 1.18\n")
        self.write("e/main.go", 'package main\n\nimport _ "embed"\n\n//go:embed secret.txt\nvar it string\n\nfunc main() { print(it) }\n')
        os.symlink("../secret.txt", self.dir / "e/secret.txt")
        done = self.sandpit("run", "--entry", "main.go", "e")
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertNotIn(b"the secret", done.stdout + done.stderr)

    def test_commands_that_nim_runs_while_it_compiles_are_in_the_jail(self):
        """staticExec: the compiler runs what the source says, as macros of several languages do."""
        nim = self.need_runtime("nim")["compiler"]
        secret = self.secret()
        self.env["TOKEN"] = "the secret of the host"
        self.write("steal.nim", f'const it = staticExec("cat {secret}; echo $TOKEN; cat /etc/shadow; id -u; '
                   'ln -sf /etc/passwd program; ls /proc | grep -c [0-9]")\necho it\n')
        bare = self.bare([nim, "compile", "--hints:off", "--nimcache:" + str(self.dir / "n"), "-r", "steal.nim"], timeout=120, memory=16 << 30)
        if bare is not None:
            self.assertIn(b"the secret", bare.stdout)
        outcome = self.outcome("steal.nim", "--compile-timeout", seconds(60))
        self.assertNotIn("the secret", json.dumps(outcome))
        self.assertNotIn("root:", json.dumps(outcome))
        self.assertIn("1000", outcome["stdout"], outcome)

    def test_commands_that_haskell_runs_while_it_compiles_are_in_the_jail(self):
        self.need_runtime("haskell")
        secret = self.secret()
        self.write("Steal.hs", "{-# LANGUAGE TemplateHaskell #-}\nmodule Main where\nimport Language.Haskell.TH\nimport System.IO.Unsafe\nimport Control.Exception\n"
                   f'main :: IO ()\nmain = putStrLn $(do {{ r <- runIO (try (readFile "{secret}") :: IO (Either IOException String)); '
                   'stringE (either (const "nothing") id r) })\n')
        outcome = self.outcome("Steal.hs", "--compile-timeout", seconds(60))
        self.assertNotIn("the secret", json.dumps(outcome))
        if outcome["status"] == "exited":
            self.assertEqual(outcome["stdout"], "nothing\n", outcome)

    def test_a_compiler_has_no_network_and_none_of_the_runs_grants(self):
        self.need_runtime("c")
        self.write("granted/secret.h", '#define SECRET "granted"\n')
        self.write("a.c", '#include "/granted/secret.h"\nint main(void) { return 0; }\n')
        explained = json.loads(self.sandpit("run", "--explain", "--net", "host", "--read", f"{self.dir}/granted:/granted", "a.c").stdout)
        self.assertEqual(explained["compile"]["network"], "none")
        done = self.sandpit("run", "--net", "host", "--read", f"{self.dir}/granted:/granted", "a.c")
        self.assertEqual(done.returncode, 65)
        self.assertIn(b"No such file", done.stderr)


if __name__ == "__main__":
    sandpit_tests.main()
