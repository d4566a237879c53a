"""Warm runs through libsandpit.so: the programs of library/ are compiled against this build."""

import functools
import pathlib
import shutil
import subprocess

from sandpit_tests import PATIENCE, SOURCE, private_directory, sandpit_path
from wasm_case import GUESTS, WasmCase

PROGRAMS = pathlib.Path(__file__).resolve().parent / "library"


@functools.cache
def build(name):
    """(program, what went wrong)"""
    library = pathlib.Path(sandpit_path()).parent
    program = private_directory("sandpit-suite-library-") / name
    done = subprocess.run(["g++", "-std=c++23", "-O1", "-Wall", "-o", program, PROGRAMS / f"{name}.cc", f"-I{SOURCE}/include",
                           f"-L{library}", "-lsandpit", f"-Wl,-rpath,{library}"], capture_output=True, text=True, check=False)
    return program, done.stderr if done.returncode else ""


class LibraryCase(WasmCase):
    def setUp(self):
        super().setUp()
        self.built = pathlib.Path(sandpit_path()).parent
        if not (self.built / "libsandpit.so").exists():
            self.skipTest("libsandpit.so beside sandpit (build the target sandpit_lib)")
        if not shutil.which("g++"):
            self.skipTest("g++")
        # The launcher is known by its program: a copy for this test alone.
        shutil.copytree(self.built / "libexec/sandpit", self.dir / "libexec")
        self.dir.chmod(0o755)

    def behaves(self, program, what, **variables):
        """What a program of library/ prints when all is as it must be."""
        program, problem = build(program)
        self.assertEqual(problem, "")
        done = subprocess.run([program, what, self.dir / "libexec/sandpit-launcher", GUESTS, self.dir / "cache"], cwd=self.dir,
                              env=self.env | variables, capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("done", done.stdout)
        return done.stdout


class Library(LibraryCase):
    def warm(self, what):
        return self.behaves("main", what)

    def test_two_thousand_runs_do_not_make_anything_grow(self):
        print(self.warm("growth").splitlines()[0])

    def test_every_run_starts_afresh(self):
        self.warm("fresh")

    def test_each_trust_domain_has_a_worker_of_its_own(self):
        self.warm("domains")

    def test_a_killed_worker_is_told_and_replaced(self):
        self.warm("killed")

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

    def test_twelve_runs_at_once_of_as_many_domains(self):
        self.behaves("bounds", "crowd")

    def test_workers_that_wait_for_strangers_are_bounded(self):
        print(self.behaves("bounds", "strangers").splitlines()[0])

    def test_a_file_that_is_too_large_is_not_read(self):
        self.behaves("bounds", "huge-files")

    def test_a_sandbox_refuses_to_be_used_after_a_fork(self):
        self.behaves("bounds", "forked")

    def test_a_forked_child_that_destroys_its_copy_leaves_the_parent_its_sandbox(self):
        self.behaves("bounds", "forked-and-destroyed")

    def test_two_thousand_unknown_imports_are_told_in_a_short_message(self):
        self.behaves("bounds", "imports")

    def test_requests_that_are_too_long_for_a_worker_are_run_all_the_same(self):
        self.behaves("bounds", "long-requests")

    def test_names_that_are_none_are_refused_warm_as_well(self):
        self.behaves("bounds", "bad-names")

    def test_a_limit_of_fifty_days_does_not_wrap_around(self):
        self.behaves("bounds", "long-limit")

    def test_compiling_is_counted_as_cpu_time(self):
        self.behaves("bounds", "bomb")
