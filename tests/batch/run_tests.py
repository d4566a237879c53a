#!/usr/bin/python3
"""`sandpit batch` with real runs, as a user would call it: tasks, results, --resume, signals, a full disk, the terminal.

    run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]
"""

import collections
import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sandpit_tests  # noqa: E402
from sandpit_tests import PATIENCE, SLOWNESS, main  # noqa: E402


def all_processes():
    """pid -> (parent, name)"""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                status = (entry / "status").read_text()
                found[int(entry.name)] = (int(re.search(r"^PPid:\s+(\d+)", status, re.M)[1]), (entry / "comm").read_text())
        except OSError:
            pass
    return found


class Case(sandpit_tests.Case):
    def setUp(self):
        super().setUp()
        self.results = self.dir / "results.jsonl"
        # The launcher that a batch of this test starts can be told from everybody else's.
        self.mark = uuid.uuid4().hex
        self.env["SANDPIT_BATCH_TEST"] = self.mark

    def tasks(self, *tasks, name="tasks.jsonl"):
        """Each a dictionary, or a line as it is."""
        lines = [task if isinstance(task, (str, bytes)) else json.dumps(task) for task in tasks]
        self.write(name, b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines))

    def batch(self, *options, name="tasks.jsonl", **more):
        return self.sandpit("batch", *options, name, **more)

    def assert_ends(self, done, code, *phrases):
        said = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, code, said)
        for phrase in phrases:
            self.assertIn(phrase, said)

    def lines(self, text=None):
        """The results; every line is whole."""
        if text is None:
            text = self.results.read_bytes()
        if text:
            self.assertTrue(text.endswith(b"\n"), text[-200:])
        return [json.loads(line) for line in text.splitlines()]

    def by_id(self, text=None):
        lines = self.lines(text)
        found = {line["id"]: line for line in lines}
        self.assertEqual(len(found), len(lines), "an id has two results")
        return found

    def launchers(self):
        """Ours: with this test's mark in its environment. Inits look like it but can't be read by an ordinary user, and are its
        children."""
        found = set()
        for pid, (parent, name) in all_processes().items():
            try:
                if name.startswith("sandpit-launch") and self.mark.encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes():
                    found.add((pid, parent))
            except OSError:
                pass
        return [pid for pid, parent in found if parent not in {other for other, _ in found}]

    def jails(self):
        """The inits of what runs."""
        ours = self.launchers()
        return [pid for pid, (parent, _) in all_processes().items() if parent in ours]

    def start(self, *options, name="tasks.jsonl", **more):
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen([sandpit_tests.sandpit_path(), "batch", *options, name], cwd=self.dir, env=self.env, **more)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe and not pipe.closed:
                pipe.close()

    def wait_until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, f"never: {what}")
            time.sleep(0.02)


def python(number, source, **more):
    return {"id": number, "runtime": "python", "source": source, **more}


class Tasks(Case):
    def test_every_member_reaches_the_program(self):
        self.write("sub/main.py", "print('from a file')")
        self.write("sub/tasks.jsonl", "\n".join(map(json.dumps, [
            python(1, "import sys, util; print(util.x, sys.argv[1:], sys.stdin.read(), open('d/n.txt').read())",
                   args=["-v", ""], stdin="in", files={"util.py": "x = 7", "d/n.txt": "data"}),
            {"id": "file", "file": "main.py"},
            {"id": 3, "runtime": "shell", "source": "echo $0; exit 3"},
            python(4, "while True: pass", limits={"cpu_time_limit_s": 0.3}),
            python(5, "x = 'A' * 10**9", limits={"memory_limit_mb": 64}),
        ])))
        done = self.batch("--timeout", f"{10 * SLOWNESS}", name="sub/tasks.jsonl")
        self.assert_ends(done, 0, "5 results", "cpu_time_exceeded")
        found = self.by_id(done.stdout)
        self.assertEqual(found[1]["stdout"], "7 ['-v', ''] in data\n", found[1])
        self.assertEqual(found["file"]["stdout"], "from a file\n", found["file"])
        self.assertEqual((found[3]["status"], found[3]["exit_code"]), ("exited", 3))
        self.assertEqual(found[4]["status"], "cpu_time_exceeded")
        if os.geteuid() == 0 or not found[5]["enforcement"]["memory"].endswith("(degraded)"):
            self.assertEqual(found[5]["status"], "memory_exceeded")
        else:
            self.assertIn("MemoryError", found[5]["stderr"])

    def test_verdicts(self):
        self.tasks(python(1, "print(4)", expected_stdout="4\n"), python(2, "print(5)", expected_stdout="4\n"),
                   python(3, "print(4); exit(1)", expected_stdout="4\n"), python(4, "print(4)"),
                   python(5, "while True: pass", expected_stdout="4\n", limits={"timeout_s": 0.5}))
        done = self.batch("-o", "results.jsonl")
        self.assert_ends(done, 0)
        found = self.by_id()
        verdicts = {key: line.get("verdict") for key, line in found.items()}
        self.assertEqual(verdicts[1], "accepted", found[1])
        self.assertEqual((verdicts[2], verdicts[3], verdicts[4]), ("wrong_answer", "exited", None))
        self.assertIn(verdicts[5], ("wall_time_exceeded", "cpu_time_exceeded"))
        self.assertIn(b"verdicts: 1 accepted", done.stdout)

    def test_a_bad_line_is_told_with_its_number_and_the_rest_goes_on(self):
        self.tasks(python(1, "print(1)"), "{\"id\": 2", {"id": 3, "sorce": "x"}, b'{"id": "\xff"}', "",
                   python(1, "print('again')"), python(7, "print(7)"))
        done = self.batch("-o", "results.jsonl")
        self.assert_ends(done, 1, "tasks.jsonl:2: column 9", "tasks.jsonl:3: sorce: no such member (did you mean \"source\"?)",
                         "tasks.jsonl:4: column 9: byte 0xff is not UTF-8", "tasks.jsonl:6: id: an earlier line has the id 1")
        self.assertEqual({key: line["stdout"] for key, line in self.by_id().items()}, {1: "1\n", 7: "7\n"})
        self.assertIn(b"4 bad lines", done.stdout)

    def test_what_cannot_be_run_gets_a_line_and_the_status_says_so(self):
        self.tasks({"id": 1, "runtime": "klingon", "source": "x"}, {"id": 2, "file": "missing.py"}, python(3, "print(3)"))
        done = self.batch("-o", "results.jsonl")
        self.assert_ends(done, 1)
        found = self.by_id()
        self.assertEqual({key: line["status"] for key, line in found.items()}, {1: "refused", 2: "refused", 3: "exited"})
        self.assertIn("no runtime 'klingon'", found[1]["message"])
        self.assertIn("missing.py", found[2]["message"])
        self.assertIn(b"2 that could not be run", done.stdout)

    def test_options_are_for_tasks_that_say_nothing_else(self):
        look = "import os, resource; print(os.environ.get('A'), resource.getrlimit(resource.RLIMIT_STACK)[0] >> 10)"
        self.tasks({"id": 1, "source": look}, {"id": 2, "source": look, "limits": {"stack_size_kb": 4096}},
                   {"id": 3, "runtime": "shell", "source": "echo sh"})
        done = self.batch("--runtime", "python", "--env", "A=1", "--stack", "2MiB")
        self.assert_ends(done, 0)
        self.assertEqual({key: line["stdout"] for key, line in self.by_id(done.stdout).items()},
                         {1: "1 2048\n", 2: "1 4096\n", 3: "sh\n"})

    def test_an_options_time_and_a_tasks_do_not_contradict_each_other(self):
        self.tasks(python(1, "print(1)", limits={"timeout_s": 5 * SLOWNESS}))
        done = self.batch("--cpu-time", "100")
        self.assertEqual(self.lines(done.stdout)[0]["status"], "exited", done.stdout)

    def test_tasks_come_from_standard_input_and_results_go_to_standard_output(self):
        self.write("a.py", "print('here')")
        done = self.batch(name="-", stdin=b'{"id": 1, "file": "a.py"}\n{"id": 2, "runtime": "shell", "source": "echo 2"}')
        self.assert_ends(done, 0, "2 results")
        self.assertEqual({key: line["stdout"] for key, line in self.by_id(done.stdout).items()}, {1: "here\n", 2: "2\n"})

    def test_no_tasks_are_no_error(self):
        self.tasks()
        self.assert_ends(self.batch(), 0, "0 results")

    def test_a_compiled_language_is_compiled(self):
        if not pathlib.Path("/usr/bin/gcc").exists():
            self.skipTest("gcc")
        source = "#include <stdio.h>\nint main(void) { return puts(\"compiled\") < 0; }\n"
        self.tasks({"id": 1, "runtime": "c", "source": source}, {"id": 2, "runtime": "c", "source": "int main(void) { return x; }"})
        done = self.batch()
        self.assert_ends(done, 0)
        found = self.by_id(done.stdout)
        self.assertEqual(found[1]["stdout"], "compiled\n", found[1])
        self.assertEqual(found[2]["status"], "compile_failed")

    def test_the_files_that_cannot_be_used(self):
        self.tasks(python(1, "print(1)"))
        self.assert_ends(self.batch(name="none.jsonl"), 2, "cannot read none.jsonl")
        self.assert_ends(self.batch(name="."), 2, "Is a directory")
        self.assert_ends(self.batch("-o", "tasks.jsonl", "--force"), 2, "holds the tasks")
        self.assert_ends(self.batch("-o", "none/results.jsonl"), 2, "No such file")
        self.assertEqual(len((self.dir / "tasks.jsonl").read_text().splitlines()), 1)


class Results(Case):
    def test_ordered_results_are_in_the_order_of_the_tasks(self):
        self.tasks(*[python(i, f"import time; time.sleep({0.3 if i % 3 == 0 else 0})") for i in range(12)])
        self.assert_ends(self.batch("-j", "4", "--ordered", "-o", "results.jsonl"), 0)
        self.assertEqual([line["id"] for line in self.lines()], list(range(12)))

    def test_without_it_they_come_as_they_end(self):
        self.tasks(python(0, f"import time; time.sleep({2 * SLOWNESS})"), python(1, "print(1)"))
        self.assert_ends(self.batch("-j", "2", "-o", "results.jsonl"), 0)
        self.assertEqual([line["id"] for line in self.lines()], [1, 0])

    def test_a_file_that_exists_is_refused_with_a_hint(self):
        self.tasks(python(1, "print(1)"))
        self.results.write_text("precious")
        self.assert_ends(self.batch("-o", "results.jsonl"), 2, "results.jsonl exists", "--resume", "--force")
        self.assertEqual(self.results.read_text(), "precious")
        self.assert_ends(self.batch("-o", "results.jsonl", "--force"), 0)
        self.assertEqual(len(self.lines()), 1)

    def test_output_that_is_not_text_is_base64(self):
        self.tasks(python(1, "import sys; sys.stdout.buffer.write(bytes([0xff, 0]))"))
        line = self.lines(self.batch().stdout)[0]
        self.assertEqual((line["stdout"], line["stdout_encoding"]), ("/wA=", "base64"))

    def test_many_small_tasks(self):
        count = 300
        self.tasks(*[{"id": i, "runtime": "shell", "source": f"echo {i}", "expected_stdout": f"{i}\n"} for i in range(count)])
        self.assert_ends(self.batch("-o", "results.jsonl"), 0)
        self.assertEqual(collections.Counter(line["verdict"] for line in self.by_id().values()), {"accepted": count})

    def test_fail_fast_begins_nothing_more(self):
        self.tasks(python(1, "print(1)"), python(2, "exit(1)"), *[python(i, "print(3)") for i in range(3, 50)])
        done = self.batch("-j", "1", "--fail-fast", "-o", "results.jsonl")
        self.assert_ends(done, 1, "--fail-fast: task 2 failed", "--resume")
        self.assertEqual([line["id"] for line in self.lines()], [1, 2])


class Resume(Case):
    def test_ids_that_have_a_result_are_skipped(self):
        self.tasks(python(1, "print('old')"), python("1", "print('text')"))
        self.assert_ends(self.batch("-o", "results.jsonl"), 0)
        self.tasks(python(1, "print('new')"), python("1", "print('new')"), python(2, "print('new')"))
        done = self.batch("--resume", "-o", "results.jsonl")
        self.assert_ends(done, 0)
        self.assertEqual({key: line["stdout"] for key, line in self.by_id().items()}, {1: "old\n", "1": "text\n", 2: "new\n"})
        self.assertIn(b"2 skipped", done.stdout)

    def test_a_torn_last_line_is_cut_off_and_its_task_run_again(self):
        self.tasks(python(1, "print(1)"), python(2, "print(2)"))
        self.assert_ends(self.batch("--ordered", "-o", "results.jsonl"), 0)
        whole = self.results.read_bytes()
        self.results.write_bytes(whole[:-20])
        self.assert_ends(self.batch("--resume", "-o", "results.jsonl"), 0, "a torn last line")
        self.assertEqual({key: line["stdout"] for key, line in self.by_id().items()}, {1: "1\n", 2: "2\n"})

    def test_another_file_is_left_alone(self):
        self.tasks(python(1, "print(1)"))
        self.results.write_text("Dear diary\n")
        self.assert_ends(self.batch("--resume", "-o", "results.jsonl"), 2, "results.jsonl:1", "not a result")
        self.assertEqual(self.results.read_text(), "Dear diary\n")

    def test_a_batch_that_was_killed_goes_on_where_it_was(self):
        count = 60
        self.tasks(*[python(i, "import time; time.sleep(0.05)") for i in range(count)])
        process = self.start("-o", "results.jsonl")
        self.wait_until(lambda: self.results.exists() and self.results.read_bytes().count(b"\n") >= 10, "ten results")
        self.assertEqual(len(self.launchers()), 1)
        process.kill()
        process.wait()
        before = self.results.read_bytes().count(b"\n")
        self.assertLess(before, count, "it was killed in the middle")
        self.wait_until(lambda: not self.launchers(), "its launcher ends as well")
        self.assert_ends(self.batch("--resume", "-o", "results.jsonl"), 0)
        self.assertEqual(set(self.by_id()), set(range(count)))


class Signals(Case):
    def sleepers(self, seconds, count=20):
        """Each says that it runs, in a directory that they share, and sleeps."""
        self.tasks(*[python(i, f"import time; open('/shared/{i}', 'w').close(); time.sleep({seconds})") for i in range(count)])

    def begin(self, *options):
        """Two tasks are running when it returns. An interpreter that is kept warm beside them is a process as well."""
        shared = self.dir / "shared"
        shutil.rmtree(shared, ignore_errors=True)
        shared.mkdir()
        process = self.start("-j", "2", "-o", "results.jsonl", "--write", "shared:/shared", *options)
        self.wait_until(lambda: len(list(shared.iterdir())) >= 2, "two tasks run")
        self.assertEqual(len(self.launchers()), 1)
        self.assertGreaterEqual(len(self.jails()), 2)
        return process

    def test_the_first_signal_finishes_what_runs(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            self.sleepers(1.5)
            self.results.unlink(missing_ok=True)
            process = self.begin()
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, status, err)
            found = self.by_id()
            self.assertEqual(len(found), 2, "what ran has its result, nothing else was begun")
            self.assertEqual({line["exit_code"] for line in found.values()}, {0}, found)
            self.assertIn(b"the same command with --resume goes on", err)
            self.assertIn(b"2 results", out)

    def test_the_second_signal_cancels_what_runs(self):
        self.cancel("--cold")

    def test_the_second_signal_cancels_what_runs_warm(self):
        self.cancel()

    def cancel(self, *options):
        self.sleepers(100)
        process = self.begin("--timeout", "200", *options)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.wait_until(lambda: not self.done(process) and self.said(process, b"interrupted"), "the first is told")
        jails = self.jails()
        self.assertGreaterEqual(len(jails), 2)
        process.send_signal(signal.SIGINT)
        self.heard += process.communicate(timeout=PATIENCE)[1]
        self.assertLess(time.monotonic() - begun, 50)
        self.assertEqual(process.returncode, 130)
        self.assertIn(b"cancelled 2", self.heard)
        self.assertEqual(self.lines(), [])
        self.wait_until(lambda: not self.launchers() and not set(jails) & set(all_processes()), "everything has ended")

    @staticmethod
    def done(process):
        return process.poll() is not None

    heard = b""

    def said(self, process, phrase):
        os.set_blocking(process.stderr.fileno(), False)
        self.heard += process.stderr.read() or b""
        return phrase in self.heard

    def test_a_silent_pipe_does_not_hold_it_up(self):
        process = self.start("-o", "results.jsonl", name="-", stdin=subprocess.PIPE)
        process.stdin.write(json.dumps(python(1, "print(1)")).encode() + b"\n")
        process.stdin.flush()
        self.wait_until(lambda: self.results.exists() and self.results.read_bytes().endswith(b"\n"), "the first result")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=PATIENCE), 130)
        self.assertEqual(set(self.by_id()), {1})

    def test_resuming_after_it_runs_the_rest(self):
        self.sleepers(0.5, count=6)
        process = self.begin()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(len(self.lines()), 2)
        done = self.batch("--resume", "-o", "results.jsonl", "--write", "shared:/shared")
        self.assert_ends(done, 0)
        self.assertEqual({key: line["exit_code"] for key, line in self.by_id().items()}, dict.fromkeys(range(6), 0))

    def test_a_launcher_that_is_killed_is_replaced(self):
        self.sleepers(0.5, count=8)
        process = self.begin()
        os.kill(self.launchers()[0], signal.SIGKILL)
        _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, err)
        self.assertIn(b"the launcher ended; a new one was started", err)
        found = self.by_id()
        self.assertEqual({key: line["exit_code"] for key, line in found.items()}, dict.fromkeys(range(8), 0), found)


class Failures(Case):
    def test_a_full_disk_ends_it_with_whole_lines_and_resume_goes_on(self):
        if os.geteuid() != 0:
            self.skipTest("root, to mount a small disk")
        small = self.dir / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=False)
        count = 40
        self.tasks(*[python(i, "print('x' * 5000)") for i in range(count)])
        done = self.batch("-o", "small/results.jsonl")
        self.assert_ends(done, 125, "cannot write small/results.jsonl: No space left on device", "--resume")
        kept = self.by_id((small / "results.jsonl").read_bytes())
        self.assertGreater(len(kept), 3)
        self.assertLess(len(kept), count)
        subprocess.run(["mount", "-o", "remount,size=4m", small], check=True)
        self.assert_ends(self.batch("--resume", "-o", "small/results.jsonl"), 0)
        self.assertEqual(set(self.by_id((small / "results.jsonl").read_bytes())), set(range(count)))

    def test_a_device_that_is_full(self):
        self.tasks(*[python(i, "print(1)") for i in range(20)])
        self.assert_ends(self.batch("-o", "/dev/full"), 125, "No space left on device")
        with open("/dev/full", "wb") as full:
            self.assert_ends(self.batch(stdout=full), 125, "cannot write standard output")

    def test_a_reader_that_goes_away(self):
        self.tasks(*[python(i, "print(1)") for i in range(200)])
        process = self.start()
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        self.assertEqual(process.wait(timeout=PATIENCE), 125, err)
        self.assertIn(b"Broken pipe", err)

    def test_two_batches_do_not_write_one_file(self):
        self.tasks(*[python(i, "import time; time.sleep(1)") for i in range(4)])
        process = self.start("-o", "results.jsonl")
        self.wait_until(self.results.exists, "the first has begun")
        for option in ("--force", "--resume"):
            self.assert_ends(self.batch(option, "-o", "results.jsonl"), 2, "another batch is writing")
        self.assertEqual(process.wait(timeout=PATIENCE), 0)
        self.assertEqual(len(self.by_id()), 4)

    def test_no_launcher(self):
        self.tasks(python(1, "print(1)"))
        # It looks beside itself and in the directories above: a place with none of ours.
        place = pathlib.Path(tempfile.mkdtemp(prefix="sandpit-alone-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, place)
        alone = place / "sandpit"
        shutil.copy(sandpit_tests.sandpit_path(), alone)
        done = subprocess.run([alone, "batch", "-o", "results.jsonl", "tasks.jsonl"], cwd=self.dir, env=self.env, capture_output=True,
                              timeout=PATIENCE, check=False)
        self.assert_ends(done, 125, "no launcher at")
        self.assertFalse(self.results.exists(), "nothing was begun")


class Admission(Case):
    """How many run at once is counted by the programs, in a file that they share."""

    COUNT = ("import fcntl, os, time\n"
             "def add(n):\n"
             "    with open('/shared/log', 'a') as log:\n"
             "        fcntl.flock(log, fcntl.LOCK_EX); log.write(f'{n}\\n')\n"
             "add(1); time.sleep(0.3); add(-1)\n")

    def most_at_once(self, *options, memory):
        shared = self.dir / "shared"
        shared.mkdir(exist_ok=True)
        (shared / "log").write_text("")
        (shared / "log").chmod(0o666)
        self.tasks(*[python(i, self.COUNT, limits={"memory_limit_mb": memory}) for i in range(8)])
        done = self.batch("-j", "4", *options, "--write", "shared:/shared", "-o", "results.jsonl", "--force")
        self.assert_ends(done, 0)
        self.assertEqual({line["exit_code"] for line in self.lines()}, {0}, self.lines())
        running = most = 0
        for line in (shared / "log").read_text().split():
            running += int(line)
            most = max(most, running)
        return most

    def test_the_sum_of_limits_in_flight_stays_within_the_budget(self):
        self.assertEqual(self.most_at_once("--memory-budget", "130", memory=64), 2)
        self.assertEqual(self.most_at_once("--memory-budget", "130", "--overcommit", "2", memory=64), 4)
        self.assertEqual(self.most_at_once("--memory-budget", "64", memory=64), 1)

    def test_a_task_above_the_budget_is_refused_unless_overcommitted(self):
        self.tasks(python(1, "print(1)", limits={"memory_limit_mb": 100}), python(2, "print(2)", limits={"memory_limit_mb": 50}))
        done = self.batch("--memory-budget", "64", "-o", "results.jsonl")
        self.assert_ends(done, 0)
        found = self.by_id()
        self.assertEqual((found[1]["status"], found[2]["status"]), ("refused", "exited"))
        self.assertIn("100 MiB", found[1]["message"])
        self.assert_ends(self.batch("--memory-budget", "64", "--overcommit", "2", "-o", "results.jsonl", "--force"), 0)
        self.assertEqual(self.by_id()[1]["status"], "exited")


class Terminal(Case):
    def on_terminal(self, *options, after=None):
        """The batch with a terminal for its messages, 100 columns wide. `after` is called with it once a progress line was seen."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        process = self.start("-o", "results.jsonl", *options, stderr=theirs)
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
            if after and b"running" in seen:
                after(process)
                after = None
        os.close(ours)
        return process.wait(timeout=PATIENCE), seen

    def test_progress_is_drawn_on_a_terminal_and_cleared(self):
        self.tasks(*[python(i, "import time; time.sleep(0.1)") for i in range(10)], "nonsense")
        status, seen = self.on_terminal()
        self.assertEqual(status, 1)
        frames = [frame for frame in seen.split(b"\r") if b"done" in frame]
        self.assertGreater(len(frames), 2, seen)
        self.assertRegex(frames[-1], rb"\[=*>? *\] +\d+% \d+ done [\d.]+/s")
        self.assertTrue(any(b"ETA" in frame for frame in frames), frames)
        self.assertTrue(any(b"1 bad" in frame for frame in frames), frames)
        self.assertTrue(seen.endswith(b"\r\x1b[K"), "nothing of it stays")
        for frame in frames:
            self.assertLess(len(frame.split(b"\x1b[K")[0]), 100)

    def test_a_message_takes_the_lines_place(self):
        self.tasks(*[python(i, "import time; time.sleep(1)") for i in range(10)])
        status, seen = self.on_terminal(after=lambda process: process.send_signal(signal.SIGINT))
        self.assertEqual(status, 130)
        self.assertRegex(seen, rb"running[^\r]*\x1b\[K\r\x1b\[K(\x1b\[[\d;]*m)?sandpit:[^\r]*interrupted", "it is cleared first")

    def test_nothing_is_drawn_elsewhere(self):
        self.tasks(python(1, "print(1)"))
        done = self.batch("-o", "results.jsonl")
        self.assert_ends(done, 0)
        self.assertEqual(done.stderr, b"")
        self.assertIn(b"STATUS", done.stdout)

    def test_quiet_says_nothing_but_errors(self):
        self.tasks(python(1, "print(1)"), "nonsense")
        done = self.batch("-q", "-o", "results.jsonl")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


if __name__ == "__main__":
    main()
