#!/usr/bin/env python3
"""Set-up on hosts that are made up: what it believes to be missing, what it says to whom, and when it looks again."""

import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]


class Host(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.env = {"PATH": f"{self.dir}/bin:/usr/bin:/bin", "HOME": str(self.dir)}

    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def command(self, name, text):
        self.write(name, f"#!/bin/bash\n{text}\n").chmod(0o755)

    def call(self, *words):
        return subprocess.run(words, cwd=self.dir, env=self.env, capture_output=True, text=True, timeout=60, check=False)


class Packages(Host):
    def run_as(self, uid, packages):
        for name, text in (("node", ""), ("apt-get", "exit 9"), ("id", f"echo {uid}"), ("dpkg-query", packages)):
            self.command(f"bin/{name}", text)
        return self.call(SOURCE / "tools/setup.sh", "run")

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


class Rust(Host):
    def tool_chain(self, directory, version):
        self.command(f"{directory}/cargo", "")
        self.command(f"{directory}/rustc", f"echo rustc {version}")

    def missing(self):
        self.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.25)\nproject(x NONE)\n"
                   f'include({SOURCE}/cmake/rust.cmake)\nmessage(STATUS "missing [${{SANDPIT_RUST_MISSING}}]")\n')
        done = self.call("cmake", "-S", ".", "-B", "tree")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split("missing [")[1].split("]")[0]

    def test_one_that_is_too_old_is_not_remembered(self):
        self.tool_chain("bin", "1.63.0")
        self.assertIn("1.95 or newer is needed, not 1.63.0", self.missing())
        self.tool_chain(".cargo/bin", "1.95.0")
        self.assertEqual(self.missing(), "")

    def test_make_looks_again_as_long_as_there_is_none(self):
        self.command("bin/cmake", 'echo "$*" >> log')
        self.command("tools/setup.sh", "")
        for name in ("CMakeLists.txt", "CMakePresets.json"):
            self.write(name, "")
        for content, configures in (("DEFINES = wasm-worker", True), ("build libexec/sandpit/wasm-worker: x", False)):
            self.write("log", "")
            self.write("build/release/build.ninja", content)
            self.assertEqual(self.call("make", "-f", SOURCE / "Makefile", "build").returncode, 0)
            self.assertEqual("--preset release" in (self.dir / "log").read_text(), configures, content)


if __name__ == "__main__":
    unittest.main(verbosity=2)
