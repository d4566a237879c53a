"""Modules of Node, Perl, PHP and Lua that templates have loaded."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import ends
import programs
from sandpit_tests import SLOWNESS, SOURCE
from siblings import WAITS, Siblings

# Per runtime: how its manifest says where modules are, the file of one named NAME, and a program that uses the module `slow`.
PLACES = {
    "javascript": 'env = {{ UV_USE_IO_URING = "0", NODE_PATH = "{0}" }}',
    "perl": 'env = {{ PERL5LIB = "{0}" }}',
    "php": 'env = {{ PHP_INI_SCAN_DIR = "{0}" }}',
    "lua": 'env = {{ LUA_PATH = "{0}/?.lua;;", LUA_CPATH = "{0}/?.so;;" }}',
}
SLOW = {
    "javascript": ("slow.js", "const until = Date.now() + 300; while (Date.now() < until); module.exports = { value: 42 };"),
    "perl": ("Slow/One.pm", "package Slow::One; select undef, undef, undef, 0.3; our $value = 42; 1;"),
    "php": ("slow.php", "<?php usleep(300000); function value() { return 42; }"),
    "lua": ("slow.lua", "local until_ = os.clock() + 0.3; while os.clock() < until_ do end return { value = 42 }"),
}
NAMES = {"javascript": "slow", "perl": "Slow::One", "php": "slow.php", "lua": "slow"}
USES = {
    "javascript": "console.log(require('slow').value, process.argv.length, process.env.SANDPIT_PRELOAD)",
    "perl": "use Slow::One; print $Slow::One::value, ' ', scalar(@ARGV), ' ', join ',', grep /SANDPIT|PERL5OPT/, %ENV;",
    "php": "<?php include_once 'slow.php'; echo value(), ' ', $argc, ' ', getenv('SANDPIT_PRELOAD'), isset($_SERVER['SANDPIT_PRELOAD']);",
    "lua": "print(require('slow').value, #arg, os.getenv('SANDPIT_PRELOAD'))",
}
SAID = {"javascript": "42 2 undefined\n", "perl": "42 0 ", "php": "42 1 ", "lua": "42\t0\tnil\n"}
EXTENSIONS = {"javascript": "js", "perl": "pl", "php": "php", "lua": "lua"}
INTERPRETERS = {"javascript": "node", "perl": "perl", "php": "php", "lua": "lua5.4"}
THREAD_IN_C = """
#include <pthread.h>
#include <unistd.h>
static void* wait_(void* x) { for (;;) sleep(600); return x; }
int luaopen_thready(void* L) { pthread_t t; (void)L; pthread_create(&t, 0, wait_, 0); return 0; }
"""


# Runs until a template has failed: the first makes none. On a slow machine one run is over before.
TELL = 2 if SLOWNESS < 2 else 5


class LanguagePreloads(Siblings):
    def place(self, runtime, **files):
        """A runtimes directory whose `runtime` finds these modules; the configuration that preloads some is the test's."""
        self.need(INTERPRETERS[runtime])
        # Not below /tmp, where each run has a directory of its own mounted.
        place = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp", prefix="sandpit-suite-"))
        self.addCleanup(shutil.rmtree, place)
        place.chmod(0o755)
        modules = place / "modules"
        modules.mkdir()
        for name, text in files.items():
            path = modules / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        shutil.copytree(SOURCE / "runtimes" / runtime, place / "runtimes" / runtime)
        manifest = place / "runtimes" / runtime / "runtime.toml"
        lines = [line for line in manifest.read_text().splitlines() if not line.startswith(("env = { UV", "read_only_paths"))]
        head = [PLACES[runtime].format(modules), f'read_only_paths = ["{modules}", "/etc/php"]']
        at = next(i for i, line in enumerate(lines) if line.startswith("install ="))
        manifest.write_text("\n".join(lines[:at] + head + lines[at:]) + "\n")
        if runtime == "php":
            (modules / "path.ini").write_text(f"include_path = \".:{modules}\"\n")
        self.env["SANDPIT_RUNTIMES_DIR"] = str(place / "runtimes")
        return modules

    def configure(self, runtime, *modules):
        self.write("sandbox.toml", f"[runtimes.{runtime}]\npreload = {list(modules)!r}\n")

    def run_with(self, runtime, text, *modules, count=3, **more):
        self.configure(runtime, *modules)
        tasks = self.first(runtime, WAITS[runtime], count=count) + [{"id": "run", "runtime": runtime, "source": text, **more}]
        return self.outcomes(tasks, "-j", "1", "--config", "sandbox.toml")["run"]

    def uses(self, runtime):
        name, text = SLOW[runtime]
        self.place(runtime, **{name: text})
        run = self.run_with(runtime, USES[runtime], NAMES[runtime])
        self.assertEqual((run["start"], run["stdout"]), ("warm", SAID[runtime]), run)
        self.assertLess(run["wall_time_ms"], 250)

    def test_javascript(self):
        self.uses("javascript")

    def test_perl(self):
        self.uses("perl")

    def test_php(self):
        self.uses("php")

    def test_lua(self):
        self.uses("lua")

    def refused(self, runtime, module, why, **files):
        self.place(runtime, **files)
        run = self.run_with(runtime, USES[runtime].replace("slow", "nothing").replace("Slow", "Nothing"), module, count=TELL)
        self.assertEqual(run["start"], "cold", run)
        self.assertIn(f"preload {module}: {why}", run["start_reason"])

    def test_what_is_not_there_is_named(self):
        for runtime, why in (("javascript", "MODULE_NOT_FOUND: Cannot find module 'no_such'"), ("perl", "Can't locate no_such.pm in @INC"),
                             ("php", "there is no such file"), ("lua", "module 'no_such' not found")):
            with self.subTest(runtime):
                self.refused(runtime, "no_such", why)

    def test_what_fails_is_named(self):
        for runtime, name, module, text, why in (
                ("javascript", "bad.js", "bad", "throw new TypeError('broken\\nmore')", "TypeError: broken"),
                ("perl", "Bad.pm", "Bad", "die 'broken'", "broken"),
                ("php", "bad.php", "bad.php", "<?php throw new RuntimeException('broken');", "RuntimeException: broken"),
                ("lua", "bad.lua", "bad", "error('broken')", "")):
            with self.subTest(runtime):
                self.refused(runtime, module, why, **{name: text})

    def test_a_module_of_node_that_starts_threads_is_refused_by_name(self):
        self.refused("javascript", "thready", "it starts threads",
                     **{"thready.js": "new (require('worker_threads').Worker)('setInterval(() => {}, 1000)', { eval: true }).unref();"})

    def test_a_module_of_node_that_stays_at_work_is_refused_by_name(self):
        self.refused("javascript", "busy", "it leaves something at work", **{"busy.js": "setInterval(() => {}, 1000)"})

    def test_a_module_of_perl_that_starts_threads_is_refused_by_name(self):
        if subprocess.run(["perl", "-Mthreads", "-e1"], capture_output=True, check=False).returncode != 0:
            self.skipTest("a perl with threads")
        self.refused("perl", "Thready", "it starts threads",
                     **{"Thready.pm": "package Thready; use threads; threads->create(sub { sleep 600 })->detach; 1;"})

    def test_a_module_of_lua_that_starts_threads_is_refused_by_name(self):
        if not shutil.which("gcc"):
            self.skipTest("gcc")
        modules = self.place("lua", **{"thready.c": THREAD_IN_C})
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", modules / "thready.so", modules / "thready.c", "-lpthread"], check=True)
        run = self.run_with("lua", "print('works')", "thready", count=TELL)
        self.assertEqual((run["start"], run["stdout"]), ("cold", "works\n"), run)
        self.assertIn("preload thready: it starts threads", run["start_reason"])

    def test_what_is_no_module_is_an_error(self):
        for runtime, extension in EXTENSIONS.items():
            self.write("a." + extension, "")
            self.write("bad.toml", f"[runtimes.{runtime}]\npreload = ['x; y']\n")
            bad = self.sandpit("run", "--config", "bad.toml", "a." + extension)
            self.assertEqual((bad.returncode, f"runtimes.{runtime}.preload".encode() in bad.stderr), (2, True), bad.stderr)

    def same(self, runtime, programs_of_it, *without):
        """With a module loaded programs still end, say and see what they do cold."""
        name, text = SLOW[runtime]
        self.place(runtime, **{name: text.replace("0.3", "0").replace("300", "0")})
        self.configure(runtime, NAMES[runtime])
        programs_of_it = {name: program for name, program in programs_of_it.items() if name not in without}
        tasks = self.first(runtime, WAITS[runtime], count=3)
        for name, program in programs_of_it.items():
            tasks.append({"id": name, "runtime": runtime, "source": program.text, "args": list(program.arguments),
                          "stdin": program.stdin.decode("latin-1")})
        warm = self.outcomes(tasks, "-j", "1", "--config", "sandbox.toml")
        cold = self.outcomes(tasks, "-j", "1", "--config", "sandbox.toml", "--cold")
        for name in programs_of_it:
            with self.subTest(name):
                self.assertEqual((warm[name]["start"], cold[name]["start"]), ("warm", "cold"), warm[name])
                for key in ("status", "exit_code", "signal", "stdout", "stderr"):
                    self.assertEqual(warm[name].get(key), cold[name].get(key), key)

    def test_programs_of_perl_are_the_same(self):
        # %INC and its like show what is loaded: that is what a preload is.
        self.same("perl", programs.PERL, *(name for name, program in programs.PERL.items() if "%INC" in program.text))

    def test_programs_of_lua_are_the_same(self):
        self.same("lua", programs.LUA, "globals")

    def test_programs_of_php_are_the_same(self):
        everything = programs.PHP | ends.PHP
        self.same("php", everything, *(name for name, program in everything.items()
                                       if any(word in program.text for word in ("get_included_files", "get_defined_functions", "ini_get_all"))))

    def test_programs_of_node_are_the_same(self):
        few = ("arguments", "require",  # "names" prints require.cache, which holds what was preloaded
                "exit code", "uncaught", "unhandled rejection", "timers", "worker threads", "large output")
        self.same("javascript", {name: program for name, program in programs.JAVASCRIPT.items() if name in few})

    def test_random_numbers_are_each_runs_own(self):
        for runtime, name, module, text, use in (
                ("perl", "Rnd.pm", "Rnd", "package Rnd; our $x = rand; 1;", "use Rnd; print rand;"),
                ("php", "rnd.php", "rnd.php", "<?php mt_rand();", "<?php include_once 'rnd.php'; echo mt_rand(), ' ', rand();"),
                ("lua", "rnd.lua", "rnd", "math.random() return 1", "require 'rnd' print(math.random(1 << 60))"),
                ("javascript", "rnd.js", "rnd", "Math.random()", "require('rnd'); console.log(Math.random())")):
            with self.subTest(runtime):
                self.place(runtime, **{name: text})
                self.configure(runtime, module)
                tasks = self.first(runtime, WAITS[runtime], count=3) + [{"id": n, "runtime": runtime, "source": use} for n in range(20)]
                found = self.outcomes(tasks, "-j", "1", "--config", "sandbox.toml")
                self.assertEqual({found[n]["start"] for n in range(20)}, {"warm"}, found[0])
                self.assertEqual(len({found[n]["stdout"] for n in range(20)}), 20, found[0])
