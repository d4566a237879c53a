#!/usr/bin/env python3
"""tools/setup.sh on hosts that are made up: what it believes to be missing, and what it says to whom."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SETUP = pathlib.Path(__file__).resolve().parents[2] / "tools/setup.sh"


class Setup(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.commands = pathlib.Path(directory.name)
        self.command("node", "")
        self.command("apt-get", "exit 9")

    def command(self, name, text):
        path = self.commands / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def run_as(self, uid, packages):
        self.command("id", f"echo {uid}")
        self.command("dpkg-query", packages)
        return subprocess.run([SETUP, "run"], env={"PATH": f"{self.commands}:/usr/bin:/bin"}, capture_output=True, text=True,
                              timeout=60, check=False)

    def test_a_package_on_hold_or_with_triggers_to_come_is_there(self):
        for state in ("ii", "hi", "it", "iW"):
            done = self.run_as(1000, f'for name in "${{@:3}}"; do echo "{state}  $name"; done')
            self.assertEqual((done.returncode, done.stderr), (0, ""), state)

    def test_a_package_that_was_removed_is_missing(self):
        for state in ("rc", "un", "iH", "iU"):
            self.assertEqual(self.run_as(1000, f'for name in "${{@:3}}"; do echo "{state}  $name"; done').returncode, 1, state)

    def test_an_ordinary_user_is_told_one_line_to_run_and_stopped(self):
        done = self.run_as(1000, "exit 1")
        self.assertEqual(done.returncode, 1)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 2, lines)
        self.assertRegex(lines[1], r"^  sudo apt-get update && sudo apt-get install -y --no-install-recommends .*\bcmake\b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
