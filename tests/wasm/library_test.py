"""Warm runs through libsandpit.so: library/main.cc is compiled against this build."""

import functools
import pathlib
import shutil
import subprocess
import unittest

from sandpit_tests import PATIENCE, SOURCE, private_directory, sandpit_path
from wasm_case import GUESTS, WasmCase

PROGRAM = pathlib.Path(__file__).resolve().parent / "library/main.cc"


@functools.cache
def build():
    """(program, what went wrong)"""
    library = pathlib.Path(sandpit_path()).parent
    program = private_directory("sandpit-suite-library-") / "warm"
    done = subprocess.run(["g++", "-std=c++23", "-O1", "-Wall", "-o", program, PROGRAM, f"-I{SOURCE}/include", f"-L{library}", "-lsandpit",
                           f"-Wl,-rpath,{library}"], capture_output=True, text=True, check=False)
    return program, done.stderr if done.returncode else ""


class Library(WasmCase):
    def setUp(self):
        super().setUp()
        self.built = pathlib.Path(sandpit_path()).parent
        if not (self.built / "libsandpit.so").exists():
            self.skipTest("libsandpit.so beside sandpit (build the target sandpit_lib)")
        if not shutil.which("g++"):
            self.skipTest("g++")

    def warm(self, what):
        program, problem = build()
        self.assertEqual(problem, "")
        shutil.copytree(self.built / "libexec/sandpit", self.dir / "libexec", dirs_exist_ok=True)
        self.dir.chmod(0o755)
        done = subprocess.run([program, what, self.dir / "libexec/sandpit-launcher", GUESTS, self.dir / "cache"], cwd=self.dir,
                              env=self.env, capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("done", done.stdout)
        return done.stdout

    def test_two_thousand_runs_do_not_make_anything_grow(self):
        print(self.warm("growth").splitlines()[0])

    def test_every_run_starts_afresh(self):
        self.warm("fresh")

    def test_each_trust_domain_has_a_worker_of_its_own(self):
        self.warm("domains")

    def test_a_killed_worker_is_told_and_replaced(self):
        self.warm("killed")

    @unittest.expectedFailure  # the run that meets it ends with "killed by SIGKILL"
    def test_a_worker_that_died_while_idle_costs_no_run(self):
        self.warm("idle-death")

    def test_a_deadline_ends_a_warm_run_and_the_next_one_works(self):
        self.warm("deadline")

    def test_a_worker_is_replaced_after_its_number_of_runs(self):
        self.warm("replaced")

    def test_four_threads_at_once(self):
        self.warm("threads")

    def test_every_kind_of_request(self):
        self.warm("kinds")

    def test_nothing_is_left_of_a_sandbox(self):
        self.warm("leftovers")
