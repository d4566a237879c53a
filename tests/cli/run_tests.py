#!/usr/bin/python3
"""Runs the built command line as a user would, one behaviour per test.

    run_tests.py PATH/TO/sandpit [CLASS[.TEST] ...]

Every program runs inside limits of its own and with a time limit outside of the sandbox as well. A test that can't run
prints SKIPPED and what is missing; the exit status is 77 when every test was skipped.
"""

import json
import os
import pathlib
import pty
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.dont_write_bytecode = True
from sandpit_tests import SANITIZER_OPTIONS, SLOWNESS, configuration  # noqa: E402

SANDPIT = ""
PATIENCE = 60 * SLOWNESS  # seconds: when sandpit itself hangs


class Case(unittest.TestCase):
    """A private directory and home; run() there."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sandpit-cli-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.dir / "home"), "TERM": "xterm",
                    **SANITIZER_OPTIONS}
        if SLOWNESS > 1:
            self.env["XDG_CONFIG_HOME"] = configuration()

    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def sandpit(self, *words, stdin=b"", **more):
        if isinstance(stdin, bytes):
            more["input"] = stdin
        else:
            more["stdin"] = stdin
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        return subprocess.run([SANDPIT, *words], cwd=self.dir, env=self.env, timeout=PATIENCE, check=False, **more)

    def python(self, text, *options, arguments=(), **more):
        self.write("program.py", text)
        return self.sandpit("run", *options, "program.py", *arguments, **more)

    def outcome(self, text, *options, **more):
        return json.loads(self.python(text, "--json", *options, **more).stdout)

    def assert_ends(self, done, code, *phrases):
        said = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, code, said)
        for phrase in phrases:
            self.assertIn(phrase, said)


class Arguments(Case):
    ECHO = "import sys; print(sys.argv[1:])"

    def test_words_after_the_file_belong_to_the_program(self):
        done = self.python(self.ECHO, arguments=["--json", "-v", "a b", ""])
        self.assertEqual(done.stdout, b"['--json', '-v', 'a b', '']\n")

    def test_a_double_dash_after_the_file_is_left_out(self):
        self.assertEqual(self.python(self.ECHO, arguments=["--", "-x", "--"]).stdout, b"['-x', '--']\n")

    def test_a_double_dash_before_the_file_allows_a_leading_dash(self):
        self.write("-odd.py", "print('odd')")
        self.assertEqual(self.sandpit("run", "--", "-odd.py").stdout, b"odd\n")

    def test_names_with_spaces_newlines_and_other_bytes_run(self):
        for name in (b"a b.py", b"a\nb.py", b"\xff.py"):
            (pathlib.Path(os.fsdecode(bytes(self.dir) + b"/" + name))).write_bytes(b"print('ran')")
            done = self.sandpit("run", os.fsdecode(name))
            self.assertEqual(done.stdout, b"ran\n", done.stderr)

    def test_source_is_read_from_standard_input(self):
        done = self.sandpit("run", "--runtime", "python", "-", "x", stdin=b"import sys; print(sys.argv[1:], sys.stdin.read())")
        self.assertEqual(done.stdout, b"['x'] \n")

    def test_source_from_standard_input_needs_a_runtime(self):
        self.assert_ends(self.sandpit("run", "-"), 2, "--runtime")

    def test_exec_runs_a_command_of_the_host(self):
        self.assertEqual(self.sandpit("exec", "--", "echo", "--", "-n").stdout, b"-- -n\n")

    def test_variables_are_set_and_nothing_else_comes_from_the_host(self):
        self.env["SECRET"] = "hidden"
        done = self.python("import os; print(os.environ.get('A'), os.environ.get('SECRET'))", "--env", "A=1")
        self.assertEqual(done.stdout, b"1 None\n")

    def test_a_granted_file_is_readable_and_not_writable(self):
        self.write("data/f", "text")
        done = self.python("print(open('/in/f').read())\nopen('/in/f', 'w')", "--read", "data:/in")
        self.assertEqual(done.stdout, b"text\n")
        self.assertEqual(done.returncode, 1)

    def test_a_colon_in_a_name_can_be_escaped(self):
        self.write("a:b/f", "text")
        self.assertEqual(self.python("print(open('/in/f').read())", "--read", "a\\:b:/in").stdout, b"text\n")

    def test_chdir_sets_the_directory(self):
        self.assertEqual(self.python("import os; print(os.getcwd())", "--chdir", "/tmp").stdout, b"/tmp\n")

    def test_results_are_copied_out_without_links(self):
        done = self.python("import os; open('made', 'w').write('x'); os.symlink('/etc/passwd', 'link')", "--out", "out")
        self.assertEqual((self.dir / "out/made").read_text(), "x", done.stderr)
        self.assertFalse((self.dir / "out/link").exists())


class Output(Case):
    def test_output_passes_byte_for_byte(self):
        done = self.python("import sys; sys.stdout.buffer.write(bytes(range(256))); sys.stderr.write('err')")
        self.assertEqual((done.stdout, done.stderr, done.returncode), (bytes(range(256)), b"err", 0))

    def test_the_programs_status_is_ours(self):
        self.assert_ends(self.python("raise SystemExit(7)"), 7)

    def test_a_signal_gives_128_and_its_number(self):
        self.assert_ends(self.python("import os; os.kill(os.getpid(), 11)"), 139, "SIGSEGV")

    def test_standard_input_streams_in(self):
        done = self.python("print(input()[::-1])", stdin=b"abc\n")
        self.assertEqual(done.stdout, b"cba\n", done.stderr)

    def test_standard_input_can_be_a_file(self):
        self.write("in", "abc")
        done = self.python("print(input())", "--stdin", "in")
        self.assertEqual(done.stdout, b"abc\n", done.stderr)

    def test_a_reader_that_goes_away_ends_the_run_quietly(self):
        self.write("flood.py", "while True: print('x' * 1000)")
        done = subprocess.run(f"'{SANDPIT}' run flood.py | head -c 10", shell=True, cwd=self.dir, env=self.env,
                              capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.stdout, b"x" * 10)
        self.assertNotIn(b"sandpit:", done.stderr)

    def test_quiet_and_verbose(self):
        self.assertIn(b"sandpit: exited with 0; wall ", self.python("pass", "--verbose").stderr)
        self.assertEqual(self.python("pass", "--quiet").stderr, b"")

    def test_messages_are_coloured_on_a_terminal_only(self):
        self.assertNotIn(b"\x1b", self.sandpit("run", "missing.py").stderr)
        for no_color, expected in (("", True), ("1", False)):
            leader, follower = pty.openpty()
            self.env["NO_COLOR"] = no_color
            self.sandpit("run", "missing.py", stderr=follower)
            os.close(follower)
            self.assertEqual(b"\x1b[" in os.read(leader, 4096), expected)
            os.close(leader)

    def test_output_past_its_limit_keeps_head_and_tail(self):
        outcome = self.outcome("print('A' + 'x' * 1000000 + 'Z')", "--output-limit", "64KiB")
        self.assertTrue(outcome["stdout_truncated"])
        self.assertEqual(outcome["stdout_bytes"], 1000003)
        self.assertTrue(outcome["stdout"].startswith("A") and outcome["stdout"].endswith("Z\n"))
        self.assertEqual(outcome["exit_code"], 0)

    def test_closed_standard_descriptors_are_no_error(self):
        self.write("quiet.py", "pass")
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            done = subprocess.run(f"'{SANDPIT}' run quiet.py {closed}", shell=True, cwd=self.dir, env=self.env,
                                  timeout=PATIENCE, check=False)
            self.assertEqual(done.returncode, 0, closed)

    def test_output_that_cannot_be_written_is_an_error(self):
        self.write("loud.py", "print('x')")
        done = subprocess.run(f"'{SANDPIT}' run loud.py >&-", shell=True, cwd=self.dir, env=self.env,
                              capture_output=True, timeout=PATIENCE, check=False)
        self.assert_ends(done, 125, "cannot write")


class Json(Case):
    FIELDS = {"schema_version", "status", "exit_code", "signal", "stdout", "stderr", "stdout_encoding", "stderr_encoding",
              "stdout_bytes", "stderr_bytes", "stdout_truncated", "stderr_truncated", "wall_time_ms", "cpu_time_ms",
              "user_time_ms", "system_time_ms", "peak_memory_kb", "runtime", "runtime_version", "engine", "compile",
              "denials", "limits_reached", "enforcement", "message", "warnings", "start"}

    def test_the_outcome_has_every_field(self):
        outcome = self.outcome("print('hi')")
        self.assertEqual(set(outcome), self.FIELDS)
        self.assertEqual((outcome["status"], outcome["exit_code"], outcome["stdout"]), ("exited", 0, "hi\n"))
        self.assertGreater(outcome["wall_time_ms"], 0)
        self.assertEqual(outcome["denials"], [])

    def test_bytes_that_are_not_utf8_are_base64(self):
        outcome = self.outcome("import sys; sys.stdout.buffer.write(b'\\xff')")
        self.assertEqual((outcome["stdout"], outcome["stdout_encoding"]), ("/w==", "base64"))

    def test_an_error_before_the_run_is_an_outcome_too(self):
        for words, code in ((["missing.py"], 2), (["--memory", "lots", "a.py"], 2), (["--runtime", "klingon", "a.py"], 127)):
            self.write("a.py", "")
            done = self.sandpit("run", "--json", *words)
            outcome = json.loads(done.stdout)
            self.assertEqual((done.returncode, outcome["status"], done.stderr), (code, "refused", b""))
            self.assertTrue(outcome["message"])

    def test_a_json_file_is_written_beside_the_passed_output(self):
        done = self.python("print('hi')", "--json-file", "o.json")
        self.assertEqual(done.stdout, b"hi\n")
        self.assertEqual(json.loads((self.dir / "o.json").read_text())["stdout"], "hi\n")
        self.assertEqual(sorted(os.listdir(self.dir)), ["o.json", "program.py"])

    def test_a_json_file_that_cannot_be_written_stops_before_the_run(self):
        done = self.python("print('hi')", "--json-file", "no/such/o.json")
        self.assert_ends(done, 2, "cannot write")
        self.assertEqual(done.stdout, b"")

    def test_a_device_is_written_to_and_not_replaced(self):
        self.assert_ends(self.python("pass", "--json-file", "/dev/null"), 0)
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_explain_prints_the_plan_and_runs_nothing(self):
        done = self.python("print('ran')", "--explain")
        plan = json.loads(done.stdout)
        self.assertTrue(plan["argv"] and plan["mounts"] and plan["seccomp"]["instructions"])
        self.assertNotIn(b"ran\n", done.stdout)


class Limits(Case):
    def test_time(self):
        self.assert_ends(self.python("import time; time.sleep(30)", "--timeout", "0.5"), 124,
                         "sandpit: time limit 500 ms exceeded; --timeout raises it")

    def test_cpu_time(self):
        done = self.python("while True: pass", "--cpu-time", "0.5", "--timeout", "20")
        self.assert_ends(done, 124, "CPU time limit 500 ms exceeded")

    def test_memory(self):
        done = self.python("x = bytearray(200 << 20)", "--memory", "64")
        self.assert_ends(done, 137, "memory limit 64 MiB exceeded", "--memory raises it")

    def test_the_timeout_alone_just_works(self):
        self.assert_ends(self.python("pass", "--timeout", f"{SLOWNESS:g}"), 0)


class BadInput(Case):
    def test_a_missing_file(self):
        self.assert_ends(self.sandpit("run", "missing.py"), 2, "missing.py")

    def test_directories_fifos_and_devices(self):
        (self.dir / "d.py").mkdir()
        os.mkfifo(self.dir / "f.py")
        for name in ("d.py", "f.py", "/dev/null"):
            self.assert_ends(self.sandpit("run", "--runtime", "python", name), 2, "sandpit: ")

    def test_an_unreadable_file(self):
        if os.geteuid() == 0:
            self.skipTest("an ordinary user: root reads everything")
        self.write("u.py", "").chmod(0)
        self.assert_ends(self.sandpit("run", "u.py"), 2, "u.py")

    def test_an_empty_file_is_an_empty_program(self):
        self.assert_ends(self.python(""), 0)

    def test_an_unknown_extension(self):
        self.write("a.zzz", "hello")
        done = self.sandpit("run", "a.zzz")
        self.assert_ends(done, 127, "extension .zzz", "--runtime NAME", "`sandpit runtimes`")
        self.assertLess(len(done.stderr), 300)  # sixty languages are not listed here

    def test_standard_input_that_is_not_there(self):
        self.assert_ends(self.python("", "--stdin", "none"), 2, "--stdin none: No such file or directory")
        self.assert_ends(self.python("", "--stdin", "."), 2, "--stdin .: Is a directory")

    def test_a_directory_that_is_not_there_inside(self):
        for directory in ("/none", "/etc/hosts"):
            self.assert_ends(self.python("", "--chdir", directory), 126, f"can't start in {directory}: ", "--read")

    def test_an_entry_of_what_is_no_directory(self):
        self.assert_ends(self.python("", "--entry", "other.py"), 2, "is a file; --entry names the program in a directory")

    def test_a_file_that_is_no_program_is_refused_and_no_fault_of_the_sandbox(self):
        for content in (b"", b"print(1)\n", b"\x7fELF garbage"):
            self.write("p", content)
            done = self.sandpit("run", "--runtime", "native", "--json", "p")
            self.assertEqual((done.returncode, json.loads(done.stdout)["status"]), (126, "refused"), done.stdout)
            self.assertIn("it is no program of this machine", json.loads(done.stdout)["message"])

    def test_the_highest_number_of_processes_that_is_accepted_works(self):
        self.assert_ends(self.python("", "--processes", "4194304"), 0)

    def test_a_configuration_is_checked_for_what_only_a_run_would_meet(self):
        self.write("bad.toml", "[security]\nprofile = 'natvie'\nallow_syscalls = ['ptrce']\n[resource_limits]\nmax_open_files = 2\n")
        self.assert_ends(self.sandpit("config", "check", "--config", "bad.toml"), 2, 'bad.toml:2:11: profile: ', '"native"',
                         'bad.toml:3:19: allow_syscalls: ', '"ptrace"', "bad.toml:5:18: max_open_files")

    def test_a_key_of_another_runtime_is_not_sent_to_where_it_is(self):
        self.write("bad.toml", "[runtimes.shell]\npackages_dir = '/tmp'\n")
        done = self.sandpit("config", "check", "--config", "bad.toml")
        self.assert_ends(done, 2, 'unknown key "packages_dir"', "interpreter")
        self.assertNotIn(b"it belongs in a table", done.stderr)

    def test_an_unknown_runtime_in_a_configuration_is_told_the_known_ones_once(self):
        self.write("bad.toml", "[runtimes.extensions]\npyw = 'nothinglikeit'\n")
        done = self.sandpit("config", "check", "--config", "bad.toml")
        self.assert_ends(done, 2, "bad.toml:2:7: ", "nothinglikeit")
        self.assertEqual(done.stderr.count(b"wasm"), 1, done.stderr)

    def test_a_huge_file_is_refused_or_run_but_never_hangs(self):
        with open(self.dir / "big.py", "wb") as file:
            file.truncate(100 << 20)
        done = self.sandpit("run", "big.py")
        self.assertIn(done.returncode, (1, 2, 126, 137), done.stderr)
        self.assertTrue(done.stderr)

    def test_binary_garbage(self):
        self.assertNotIn(self.python(os.urandom(4096)).returncode, (0, 125))

    def test_bad_options_name_themselves(self):
        for option, value in (("--memory", "lots"), ("--timeout", "0"), ("--processes", "-1"), ("--net", "lan:"), ("--net", "none,lan"),
                              ("--env", "A"), ("--read", ":/x"), ("--lint", "maybe")):
            self.assert_ends(self.python("", option, value), 2, f"sandpit: {option}: ")

    def test_an_unknown_option_suggests_the_nearest(self):
        self.assert_ends(self.python("", "--memroy", "5"), 2, "unknown option --memroy", "--memory")

    def test_a_bad_configuration_runs_nothing(self):
        self.write("bad.toml", "[resource_limits]\nmemory_limit_mb = 'much'\ntimeuot_s = 1\n")
        done = self.python("print('ran')", "--config", "bad.toml")
        self.assert_ends(done, 2, "bad.toml:2:", "bad.toml:3:", "timeout_s")
        self.assertEqual(done.stdout, b"")

    def test_messages_never_carry_control_characters(self):
        done = self.sandpit("run", "\x1b[31mred.py")
        self.assert_ends(done, 2, "\\x1b[31mred.py")
        self.assertNotIn(b"\x1b", done.stderr)

    def test_a_full_tmp_dir_says_so(self):
        if os.geteuid() != 0:
            self.skipTest("root: mounts a small file system of its own")
        (self.dir / "small").mkdir()
        self.write("c.toml", f"[general]\ntmp_dir = '{self.dir}/small'\n")
        # In a mount namespace of its own, which ends with the command.
        script = 'mount -t tmpfs -o size=$1 none "$2" && shift 2 && exec "$@"'
        run = [SANDPIT, "run", "--runtime", "python", "--config", "c.toml", "--disk", "64MiB", "--memory", "256MiB", "-"]
        source = b"#" * 3_000_000 + b"\nprint('ran')\n"
        for size, status, words in (("1m", 125, ("tmp_dir", "No space left", "free some space")), ("8m", 0, ())):
            done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", size, self.dir / "small", *run],
                                  input=source, cwd=self.dir, env=self.env, capture_output=True, timeout=60, check=False)
            self.assert_ends(done, status, *words)
            self.assertEqual(done.stdout, b"ran\n" if status == 0 else b"")

    def test_a_command_that_does_not_exist(self):
        self.assert_ends(self.sandpit("exec", "--", "no-such-command"), 127, "no-such-command")
        self.assert_ends(self.sandpit("rnu"), 2, "did you mean")


class Signals(Case):
    def start(self, text):
        self.write("program.py", text)
        process = subprocess.Popen([SANDPIT, "run", "--timeout", "30", "program.py"], cwd=self.dir, env=self.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_interrupts_kill_the_tree_and_give_128_and_the_signal(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start("import os, time\nif os.fork(): print('ready', flush=True)\ntime.sleep(25)")
            began = time.monotonic()
            process.send_signal(number)
            self.assertEqual(process.wait(PATIENCE), 128 + number)
            self.assertLess(time.monotonic() - began, 10)


class Commands(Case):
    def setUp(self):
        super().setUp()
        self.env.pop("XDG_CONFIG_HOME", None)  # configuration is what these are about, and they run no program

    def test_version_and_help(self):
        self.assertRegex(self.sandpit("--version").stdout, rb"^sandpit \d+\.\d+\.\d+\n$")
        self.assertIn(b"sandpit COMMAND", self.sandpit("--help").stdout)
        self.assertIn(b"--memory", self.sandpit("run", "--help").stdout)

    @unittest.skipIf(SLOWNESS >= 4, "time for lint and for asking versions, which nobody sets, is too short on an emulated machine")
    def test_runtimes_are_a_table_and_json(self):
        table = self.sandpit("runtimes").stdout.decode()
        self.assertRegex(table.splitlines()[0], r"^NAME +VERSION +EXTENSIONS +ENGINE +STATE$")
        self.assertEqual(self.sandpit("list-supported").stdout.decode(), table)
        listed = {item["name"]: item for item in json.loads(self.sandpit("runtimes", "--json").stdout)}
        self.assertLessEqual({"python", "javascript", "shell", "native", "wasm"}, set(listed))
        self.assertIn(listed["wasm"]["state"], ("ready", "not_built"))
        self.assertEqual(listed["python"]["state"], "ready")

    def test_one_runtime_is_shown(self):
        self.assertIn(b"interpreter", self.sandpit("runtimes", "show", "python").stdout)
        self.assert_ends(self.sandpit("runtimes", "show", "pyhton"), 127, "python")

    def test_doctor_says_whether_production_is_possible(self):
        done = self.sandpit("doctor", "--json")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if report["production"] else 1)
        self.assertTrue(report["features"])

    @unittest.skipIf(SLOWNESS >= 4, "time for lint and for asking versions, which nobody sets, is too short on an emulated machine")
    def test_check_says_what_lint_finds_and_runs_nothing(self):
        self.need_lint_worker()
        self.write("good.py", "open('made', 'w')\n")
        done = self.sandpit("check", "good.py")
        self.assertEqual((done.returncode, done.stdout), (0, b"good.py: ok\n"))
        self.assertFalse(os.path.exists(os.path.join(self.dir, "made")))
        self.write("utf16.py", b"\xff\xfe\x00")
        done = self.sandpit("check", "good.py", "utf16.py")
        self.assertEqual(done.returncode, 126)
        self.assertRegex(done.stdout.decode(), r"(?m)^utf16\.py: error: .* \[utf16-source\]$")

    def test_check_prints_one_json_object_for_each_file(self):
        self.need_lint_worker()
        self.write("good.py", "print(1)\n")
        done = self.sandpit("check", "--json", "good.py", "missing.py")
        self.assertEqual(done.returncode, 126)
        good, missing = map(json.loads, done.stdout.splitlines())
        self.assertEqual((good["file"], good["ok"], good["description"], good["problems"]), ("good.py", True, None, []))
        self.assertFalse(missing["ok"])
        self.assertEqual(missing["problems"][0]["severity"], "error")
        self.assert_ends(self.sandpit("check"), 2)

    def need_lint_worker(self):
        """Without it, in sanitizer builds for one, lint says that it looked at bytes only."""
        self.write("any.py", "print(1)\n")
        if b"lint-worker was not built" in self.sandpit("check", "any.py").stdout:
            self.skipTest("lint-worker (Rust 1.95 or newer)")

    def test_invoke_is_for_webassembly(self):
        self.write("good.py", "print(1)\n")
        self.assert_ends(self.sandpit("run", "--invoke", "f", "good.py"), 2, "--invoke")

    def test_config_init_makes_a_valid_file_once(self):
        self.assert_ends(self.sandpit("config", "init"), 0)
        self.assert_ends(self.sandpit("config", "check", "--config", "sandbox.toml"), 0)
        self.assert_ends(self.sandpit("config", "init"), 2, "sandbox.toml")

    def test_config_check_knows_profiles_and_system_calls(self):
        self.write("c.toml", '[security]\nallow_syscalls = ["ptrce"]\n[runtimes.python.security]\nprofile = "jot"\n'
                   'deny_syscalls = ["socket", "nosuch"]\n')
        done = self.sandpit("config", "check", "--config", "c.toml")
        self.assert_ends(done, 2)
        for said in (r'c\.toml:2:19: allow_syscalls: unknown system call "ptrce" \(did you mean "ptrace"\?\)',
                     r'c\.toml:4:11: profile: no system-call profile "jot" \(did you mean "jit"\?\)',
                     r'c\.toml:5:28: deny_syscalls: unknown system call "nosuch"'):
            self.assertRegex(done.stderr.decode(), said)

    def test_config_show_tells_where_a_value_comes_from(self):
        self.write("c.toml", "[resource_limits]\ntimeout_s = 9\n")
        shown = self.sandpit("config", "show", "--config", "c.toml").stdout.decode()
        self.assertRegex(shown, r"resource_limits\.timeout_s = 9 +# project, .*c\.toml:2")

    def test_trust_lets_a_found_project_file_loosen_and_is_taken_back(self):
        self.write("sandbox.toml", "[security]\nenv = { A = 'x' }\nallow_degraded = ['memory']\n[resource_limits]\ntimeout_s = 60\n")
        self.assertIn(b"timeout_s", self.sandpit("config", "show").stderr)
        self.assert_ends(self.sandpit("trust", "."), 0)
        self.assertIn(b"timeout_s = 60", self.sandpit("config", "show").stdout)
        self.assert_ends(self.sandpit("trust", "--remove", "."), 0)
        self.assertNotIn(b"timeout_s = 60", self.sandpit("config", "show").stdout)

    def test_completions_are_built_in(self):
        for shell in ("bash", "zsh", "fish"):
            self.assertIn(b"sandpit", self.sandpit("completion", shell).stdout)
        self.assert_ends(self.sandpit("completion", "tcsh"), 2, "bash, zsh or fish")
        script = self.sandpit("completion", "bash").stdout
        self.assertEqual(subprocess.run(["bash", "-n"], input=script, check=False).returncode, 0)


class Result(unittest.TextTestResult):
    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"SKIPPED {test.id()}: needs {reason}", flush=True)


def main():
    global SANDPIT
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    SANDPIT = os.path.abspath(sys.argv[1])
    names = sys.argv[2:]
    module = sys.modules["__main__"]
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(resultclass=Result, verbosity=1).run(suite)
    if result.testsRun and len(result.skipped) == result.testsRun:
        sys.exit(77)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


if __name__ == "__main__":
    main()
