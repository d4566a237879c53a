#!/usr/bin/python3
"""Lint end to end: what `sandpit check` and `sandpit run` say of programs in each language.

    run_tests.py PATH/TO/sandpit [CLASS[.TEST] ...]

Languages whose interpreter or manifest is not here get a manifest of the test's own: lint reads the rules and the source,
and starts nothing of the language.
"""

import functools
import json
import os
import pathlib
import pty
import shutil
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE)]
import sandpit_tests  # noqa: E402
from samples import LANGUAGES  # noqa: E402
from sandpit_tests import SOURCE, Case, main, private_directory  # noqa: E402

MANIFEST = """\
id = "{id}"
extensions = ["{extension}"]
interpreter = ["sh"]
argv = ["{{interpreter}}", "{{source}}"]
source_name = "main.{extension}"
syscall_profile = "interpreter"
"""


@functools.cache
def runtimes():
    """The rules of this source tree, each under a manifest that needs nothing but a shell."""
    directory = private_directory("sandpit-lint-runtimes-")
    for name, (extension, *_) in LANGUAGES.items():
        shutil.copytree(SOURCE / "runtimes" / name / "lint", directory / name / "lint")
        (directory / name / "runtime.toml").write_text(MANIFEST.format(id=name, extension=extension))
    return str(directory)


def worker():
    if "SANDPIT_LINT_WORKER" in os.environ:
        return pathlib.Path(os.environ["SANDPIT_LINT_WORKER"])
    return pathlib.Path(sandpit_tests.sandpit_path()).parent / "libexec/sandpit/lint-worker"


class LintCase(Case):
    def setUp(self):
        super().setUp()
        self.env["SANDPIT_RUNTIMES_DIR"] = runtimes()
        if not worker().exists():
            self.skipTest("lint-worker (Rust)")
        self.env["SANDPIT_LINT_WORKER"] = str(worker())

    def check(self, name, *options):
        done = self.sandpit("check", "--json", *options, name)
        try:
            return json.loads(done.stdout)
        except ValueError:
            self.fail(f"no JSON: exit {done.returncode}, {done.stdout[:500]!r}, {done.stderr[:2000]!r}")

    def findings(self, name):
        return {(problem["rule"], problem["line"]) for problem in self.check(name)["problems"]}


class Languages(LintCase):
    """One test for each language is added below."""

    def test_each_language_has_rules_and_samples(self):
        with_rules = {path.parent.parent.name for path in (SOURCE / "runtimes").glob("*/lint/rules.toml")}
        self.assertEqual(with_rules, set(LANGUAGES))


def add_language(language):
    extension, guilty, expected, ordinary = LANGUAGES[language]

    def test_finds(self):
        self.write(f"guilty.{extension}", guilty)
        self.assertEqual(self.findings(f"guilty.{extension}"), expected)

    def test_is_silent(self):
        self.write(f"ordinary.{extension}", ordinary)
        self.assertEqual(self.check(f"ordinary.{extension}")["problems"], [])
        self.assertEqual(self.sandpit("check", f"ordinary.{extension}").returncode, 0)

    setattr(Languages, f"test_{language}_finds_each_line_of_the_guilty_program", test_finds)
    setattr(Languages, f"test_{language}_says_nothing_of_the_ordinary_program", test_is_silent)


for each in LANGUAGES:
    add_language(each)

NETWORK = "import socket\n\nsocket.socket()\nsocket.socket()\n"


class Levels(LintCase):
    def setUp(self):
        super().setUp()
        del self.env["SANDPIT_RUNTIMES_DIR"]  # these run for real
        self.write("net.py", NETWORK + "print('ran')\n")

    def run_net(self, *options):
        return self.sandpit("run", *options, "net.py")

    def test_warn_tells_once_and_runs(self):
        done = self.run_net()
        self.assertEqual((done.returncode, done.stdout), (0, b"ran\n"), done.stderr)
        said = done.stderr.decode()
        self.assertIn("net.py:3:1: `socket.socket` needs the network, which this run does not have (--net host)", said)
        self.assertIn("(and in 1 more places)", said)
        self.assertEqual(said.count("python-socket"), 1)

    def test_off_says_nothing(self):
        done = self.run_net("--lint", "off")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"ran\n", b""))

    def test_what_the_run_is_given_is_no_finding(self):
        done = self.run_net("--net", "host", "--lint", "deny")
        self.assertEqual((done.returncode, done.stdout), (0, b"ran\n"), done.stderr)

    def test_deny_refuses_with_the_place(self):
        done = self.run_net("--lint", "deny")
        self.assertEqual((done.returncode, done.stdout), (126, b""))
        self.assertIn(b"net.py:3:1", done.stderr)

    def test_info_is_not_told_to_a_run_and_denies_nothing(self):
        self.write("info.py", "print(eval('1'))\n")
        done = self.sandpit("run", "--lint", "deny", "info.py")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"1\n", b""))

    def test_without_a_worker_warn_runs_and_deny_refuses(self):
        alone = private_directory("sandpit-lint-alone-")
        shutil.copy(sandpit_tests.sandpit_path(), alone / "sandpit")
        env = {**self.env, "SANDPIT_RUNTIMES_DIR": str(SOURCE / "runtimes")}
        del env["SANDPIT_LINT_WORKER"]
        if (pathlib.Path("/usr/local/libexec/sandpit/lint-worker")).exists():
            self.skipTest("no installed lint-worker")

        def run(*words):
            return subprocess.run([alone / "sandpit", *words], cwd=self.dir, env=env, capture_output=True, check=False)
        done = run("run", "net.py")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"ran\n", b""))
        done = run("run", "--lint", "deny", "net.py")
        self.assertEqual(done.returncode, 126)
        self.assertIn(b"lint-worker was not built", done.stderr)
        self.assertIn(b"install Rust", run("check", "net.py").stdout)
        self.assertIn(b"install Rust", run("runtimes").stderr)
        self.write("plain.py", "print('plain')\n")
        self.assertEqual(run("run", "--lint", "deny", "plain.py").stdout, b"plain\n")

    def test_a_worker_that_crashes_fails_no_run_unless_lint_denies(self):
        crash = self.write("crash", "#!/bin/sh\nkill -SEGV $$\n", 0o755)
        self.env["SANDPIT_LINT_WORKER"] = str(crash)
        done = self.run_net()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"ran\n", b""))
        done = self.run_net("--lint", "deny")
        self.assertEqual(done.returncode, 126)
        self.assertIn(b"lint could not be done: the worker ended early", done.stderr)
        [problem] = self.check("net.py")["problems"]
        self.assertEqual((problem["rule"], problem["severity"]), ("lint-incomplete", "info"))

    def test_a_worker_that_lies_about_places_is_not_believed(self):
        # kDone, rule 0, no message, 0 µs, one finding: rule 0 from 0 to 4294967295.
        answer = bytes(1 + 4 + 8 + 8) + (1).to_bytes(8, "little") + bytes(4 + 4) + b"\xff" * 4 + bytes(16)
        self.write("answer", answer)
        liar = self.write("liar", f"#!/bin/sh\nPATH=/bin:/usr/bin\ncat '{self.dir}/answer' >&4\n", 0o755)
        self.env["SANDPIT_LINT_WORKER"] = str(liar)
        [problem] = self.check("net.py")["problems"]
        self.assertEqual(problem["rule"], "lint-incomplete")
        self.assertIn("makes no sense", problem["message"])


class Output(LintCase):
    def test_a_caret_points_at_the_place(self):
        self.write("a.py", "import socket\nif 1:\n\tx = 'ü', socket.socket()\n")
        done = self.sandpit("check", "a.py")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout.decode(), """\
a.py:3:12: warning: `socket.socket` needs the network, which this run does not have (--net host) [python-socket]
    3 |     x = 'ü', socket.socket()
      |              ^~~~~~~~~~~~~~~
a.py: ok
""")

    def test_escapes_in_the_source_reach_no_terminal(self):
        self.write("a.py", "import socket\nsocket.socket('\x1b[2J\x07', '\u202e')\n")
        said = self.sandpit("check", "a.py").stdout.decode()
        self.assertIn("\\x1b[2J\\x07", said)
        self.assertNotIn("\x1b", said)
        self.assertNotIn("\u202e", said)

    def test_colours_are_for_terminals(self):
        self.write("a.py", NETWORK)
        leader, follower = pty.openpty()
        self.sandpit("check", "a.py", stdout=follower)
        os.close(follower)
        self.assertIn(b"\x1b[33mwarning\x1b[0m", os.read(leader, 65536))
        os.close(leader)

    def test_json_tells_the_whole_place(self):
        self.write("a.py", NETWORK)
        problem = self.check("a.py")["problems"][0]
        self.assertEqual({key: problem[key] for key in ("rule", "severity", "line", "column", "end_line", "end_column")},
                         {"rule": "python-socket", "severity": "warning", "line": 3, "column": 1, "end_line": 3,
                          "end_column": 16})

    def test_sarif_has_what_the_standard_requires(self):
        self.write("a b.py", "import socket\nx = 'ü', socket.socket()\n")
        self.write("ok.py", "print(1)\n")
        done = self.sandpit("check", "--sarif", "a b.py", "ok.py", "missing.py")
        self.assertEqual(done.returncode, 126)
        log = json.loads(done.stdout)
        self.assertEqual(log["version"], "2.1.0")
        self.assertIn("sarif-2.1.0", log["$schema"])
        [run] = log["runs"]
        driver = run["tool"]["driver"]
        self.assertEqual(driver["name"], "sandpit")
        self.assertRegex(driver["version"], r"^\d+\.\d+")
        rules = [rule["id"] for rule in driver["rules"]]
        self.assertEqual(len(rules), len(set(rules)))
        for result in run["results"]:
            self.assertTrue(result["message"]["text"])
            self.assertIn(result["level"], {"none", "note", "warning", "error"})
            self.assertEqual(rules[result["ruleIndex"]], result["ruleId"])
            self.assertTrue(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        first, second = run["results"]
        place = first["locations"][0]["physicalLocation"]
        self.assertEqual(place["artifactLocation"]["uri"], "a%20b.py")
        self.assertEqual(place["region"], {"startLine": 2, "startColumn": 10, "endLine": 2, "endColumn": 25})
        self.assertEqual((second["ruleId"], second["level"]), ("load", "error"))
        self.assertEqual(self.sandpit("check", "--sarif", "--json", "ok.py").returncode, 2)

    def test_bad_rules_are_told_with_their_place(self):
        broken = private_directory("sandpit-lint-broken-")
        shutil.copytree(pathlib.Path(runtimes()) / "python", broken / "python")
        (broken / "python/lint/rules.toml").write_text("language = \"python\"\n[[rule]]\nid = 3\n")
        self.env["SANDPIT_RUNTIMES_DIR"] = str(broken)
        self.write("a.py", NETWORK)
        [problem] = self.check("a.py")["problems"]
        self.assertRegex(problem["message"], r"rules\.toml:3:6: 'id' must be a string")


class Hostile(LintCase):
    """Sources made to hang, crash or bloat whoever parses them."""

    MOST_SECONDS = 10
    MOST_MEMORY = 80 << 20  # of the caller; 16 MiB of the source are looked at as text

    def checked(self, name, text, times=1):
        with open(self.dir / name, "wb") as file:
            # Not in one piece: a child's peak begins with what its parent has in memory.
            for _ in range(times):
                file.write(text)
        begin = time.monotonic()
        process = subprocess.Popen([sandpit_tests.sandpit_path(), "check", "--json", name], cwd=self.dir, env=self.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process.stdout, process.stderr:
            said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        self.assertLess(time.monotonic() - begin, self.MOST_SECONDS * sandpit_tests.SLOWNESS)
        self.assertLess(usage.ru_maxrss << 10, self.MOST_MEMORY)
        return {problem["rule"] for problem in json.loads(said)["problems"]}

    def test_a_hundred_megabytes_of_brackets(self):
        self.assertEqual(self.checked("a.py", b"[" * (1 << 20), times=100), {"lint-incomplete"})

    def test_a_megabyte_of_brackets(self):
        rules = self.checked("a.py", b"socket " + b"[" * ((1 << 20) - 7))
        self.assertEqual(rules, {"lint-incomplete"})

    def test_patterns_that_parsers_dread_in_each_language(self):
        words = {"python": b"eval", "javascript": b"eval", "typescript": b"eval", "shell": b"eval", "c": b"fork",
                 "cpp": b"fork", "go": b"net", "rust": b"extern", "java": b"java.net", "ruby": b"eval", "php": b"<?php eval"}
        for language, word in words.items():
            for pattern in (b"(", b"{[(", b"if (a) {", b"`", b"<<A\n", b"a.", b"\"\\"):
                with self.subTest(language=language, pattern=pattern):
                    text = word + b" " + pattern * ((300 << 10) // len(pattern))
                    rules = self.checked(f"a.{LANGUAGES[language][0]}", text)
                    self.assertLessEqual(len(rules), 20)

    def test_many_findings_are_cut_and_said_so(self):
        rules = self.checked("a.py", b"eval(x)\n" * 50000)
        self.assertEqual(rules, {"python-dynamic", "lint-incomplete"})


class Precision(LintCase):
    """No false alarm where nothing is wrong, and no silence where something is."""

    # Escape programs that open sockets of the network's families, which a run without network can't use.
    ESCAPES = dict.fromkeys(["ask_name_server.py", "channel_loopback.py", "channel_socket_counts.py", "connect_loopback.py", "listen_for_host.py",
                             "metadata_address.py", "resolve_names.py", "send_broadcast.py", "unusual_sockets.py"], {"python-socket"})
    ESCAPES |= dict.fromkeys(["flood_of_denials.c", "memory_of_tcp.c", "rare_protocols.c"], {"c-network"})
    ESCAPES |= {"connect_any_address.js": {"javascript-network-module"}}

    def above_info(self, paths):
        done = self.sandpit("check", "--json", *map(str, paths))
        found = {}
        for line in done.stdout.splitlines():
            check = json.loads(line)
            rules = {problem["rule"] for problem in check["problems"] if problem["severity"] != "info"}
            if rules:
                found[pathlib.Path(check["file"]).name] = rules
        self.assertEqual(len(done.stdout.splitlines()), len(paths))
        return found

    def programs(self, directory):
        extensions = {extension for extension, *_ in LANGUAGES.values()}
        paths = [path for path in sorted((SOURCE / directory).glob("*")) if path.suffix[1:] in extensions]
        if not paths:
            self.skipTest(f"{directory} of the source tree")
        return paths

    def test_the_examples_are_fine(self):
        paths = self.programs("examples")
        self.assertGreaterEqual(len(paths), 4)
        self.assertEqual(self.above_info(paths), {})

    def test_the_escape_suite_is_what_it_is(self):
        self.assertEqual(self.above_info(self.programs("tests/escape/programs")), self.ESCAPES)

    def test_the_standard_library_of_python_is_fine_but_for_its_clients(self):
        library = pathlib.Path("/usr/lib/python3.11")
        if not library.exists():
            self.skipTest("Python 3.11 of Debian")
        clients = {"asyncore.py", "ftplib.py", "imaplib.py", "nntplib.py", "poplib.py", "smtpd.py", "smtplib.py",
                   "socketserver.py", "ssl.py", "telnetlib.py", "uuid.py"}
        self.assertEqual(set(self.above_info(sorted(library.glob("*.py")))), clients)


if __name__ == "__main__":
    main()
