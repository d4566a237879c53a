"""What the escape suite shares: a case that runs a hostile program in the jail and, as root, the same outside of it."""

import functools
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest
import uuid

from sandpit_tests import PATIENCE, Case, sandpit_path, seconds

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
INTERPRETERS = {".py": [sys.executable], ".sh": ["/bin/bash"], ".js": ["node"], "": []}


class Escaped(AssertionError):
    """The program got what it wanted."""


class Escape(Case):
    def assert_held(self, held, what):
        if not held:
            raise Escaped(what)

    def prepared(self, name):
        """The program's file in the private directory; a C program is compiled."""
        source = PROGRAMS / name
        made = source.stem if source.suffix == ".c" else name
        if (self.dir / made).exists():
            return made
        if source.suffix == ".js" and not shutil.which("node"):
            self.skipTest("node (apt-get install -y nodejs)")
        if source.suffix != ".c":
            self.write(name, source.read_bytes())
            return name
        shutil.copy(PROGRAMS / "common.h", self.dir / "common.h")
        return self.compile_c(source.stem, source.read_bytes(), "-D_GNU_SOURCE")

    def outcome(self, name, *options, **more):
        """Skips where this kernel can't make the write grant of a root's run at all, which it says itself."""
        outcome = super().outcome(name, *options, **more)
        if os.geteuid() == 0 and outcome["status"] == "refused" and "no idmapped mounts on this kernel" in outcome["message"]:
            self.skipTest("idmapped mounts of the file system of /tmp (tmpfs: Linux 6.3)")
        return outcome

    def verdict(self, text):
        lines = text.strip().splitlines()
        return lines[-1] if lines else ""

    def assert_contained(self, name, *arguments, options=(), stdin=b""):
        outcome = self.outcome(self.prepared(name), "--timeout", seconds(60), "--cpu-time", seconds(20), *options,
                               arguments=[str(word) for word in arguments], stdin=stdin)
        self.assertEqual(outcome["status"], "exited", outcome)
        self.assert_verdict(outcome["stdout"], outcome["stdout"] + outcome["stderr"])
        return outcome

    def assert_verdict(self, said, shown=""):
        self.assert_held(not self.verdict(said).startswith("ESCAPED"), shown or said)
        self.assertEqual(self.verdict(said), "CONTAINED", shown or said)

    def assert_real(self, name, *arguments, within=(), stdin=b"", needs="", error="not implemented", idle=()):
        """Outside of the jail, as root, the same attempt succeeds, in each of its ways but those that are `idle` there.
        `needs`: what a host may lack, which shows as `error`."""
        if os.geteuid() != 0:
            return
        done = subprocess.run([*within, *self.outside_command(name, *arguments)], cwd=self.dir, env=self.env, input=stdin,
                              capture_output=True, timeout=PATIENCE, check=False)
        said = done.stdout.decode(errors="replace")
        if needs and "ESCAPED" not in said and error in said:
            self.skipTest(f"{needs}, to prove outside of the jail that the attempt is real (inside it is contained)")
        self.assertTrue(self.verdict(said).startswith("ESCAPED"),
                        f"not a real attempt: {said} {done.stderr.decode(errors='replace')}")
        if " of " in self.verdict(said):
            lines = [line for line in said.splitlines()[:-1] if not line.endswith(": succeeded")]
            self.assertEqual([line for line in lines if not line.startswith(tuple(idle))], [], "not all of its ways are real attempts")

    def outside_command(self, name, *arguments):
        program = self.prepared(name)
        return [*INTERPRETERS[pathlib.Path(program).suffix], str(self.dir / program), *map(str, arguments)]

    def assert_attempt(self, name, *arguments, options=(), **outside):
        """Contained inside, real outside, with the same arguments."""
        self.assert_contained(name, *arguments, options=options)
        self.assert_real(name, *arguments, **outside)

    def assert_ends(self, name, *arguments, status, options=()):
        """An attempt that a limit ends: the Outcome names the limit, nobody is left, and the next run is well."""
        word = "mark-" + uuid.uuid4().hex
        outcome = self.outcome(self.prepared(name), *options, arguments=[*map(str, arguments), word])
        self.assertIn(outcome["status"], (status,) if isinstance(status, str) else status, shortened(outcome))
        self.assertNotIn("ESCAPED", outcome["stdout"])
        self.assertEqual(processes_with(word), [])
        self.assert_host_is_well()
        return outcome

    def assert_host_is_well(self):
        self.assertEqual(self.program("after.sh", "echo well")["stdout"], "well\n")

    def background(self, name, *arguments, options=(), **more):
        """A run (None as `options`: the program outside of the jail) whose standard streams are pipes."""
        if options is None:
            command = self.outside_command(name, *arguments)
        else:
            command = [sandpit_path(), "run", "--quiet", "--timeout", "100", *options, "--", self.prepared(name), *map(str, arguments)]
        process = subprocess.Popen(command, cwd=self.dir, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdin.close)
        return process

    def sleeper(self, *words):
        """A process of the host, with a command line of its own."""
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", *words])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process


def shortened(outcome):
    return {key: value[:500] if isinstance(value, str) else value for key, value in outcome.items()}


def processes_now(word):
    """Processes of the host with this word among their arguments."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            pass
    return found


def processes_with(word):
    """The same, of those that stay. What was killed takes a moment to be gone."""
    for _ in range(100):
        found = processes_now(word)
        if not found:
            break
        time.sleep(0.05)
    return found


def finding(what, where=True):
    """A test that fails today (`where` that is so), since Sandpit does not hold here: an Escaped is expected, and nothing else.
    It says so loudly, and fails once it passes: then unmark it."""
    def mark(test):
        @functools.wraps(test)
        def told(self):
            # unittest itself would take any exception for the expected one.
            self._outcome.expecting_failure = False
            try:
                test(self)
            except Escaped:
                self._outcome.expecting_failure = True
                print(f"FINDING {self.id()}: {what}", flush=True)
                raise
        return unittest.expectedFailure(told) if where else test
    return mark
