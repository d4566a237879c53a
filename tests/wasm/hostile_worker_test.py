"""A worker that was taken over: library/hostile_worker.c in the place of the real one, through library and command line.

Each test is about what such a worker can do to others; that its own trust domain gets false answers can't be helped.
"""

import json
import pathlib
import shutil

from library_test import PROGRAMS, LibraryCase

SOURCE = PROGRAMS / "hostile_worker.c"


class HostileWorker(LibraryCase):
    def setUp(self):
        super().setUp()
        if not shutil.which("gcc"):
            self.skipTest("gcc")

    def worker(self, mode):
        name = "worker-" + mode.split("=")[0].lower()
        self.compile_c(name, SOURCE.read_bytes(), "-static", f"-D{mode}")
        return {"SANDPIT_WASM_WORKER": str(self.dir / name)}

    def hostile(self, mode, what):
        return self.behaves("hostile", what, **self.worker(mode))

    def run_with(self, mode, *options):
        return self.outcome(self.guest("shared-nothing.wat"), *options, *self.config(f'cache_dir = "{self.dir}/cache"'),
                            env=self.env | self.worker(mode))

    def entries(self):
        return {path.name for path in pathlib.Path(self.dir / "cache").glob("*.cwasm")}

    def test_after_its_first_run_it_is_given_no_artefact_to_make(self):
        told = self.hostile("POISON", "two-modules")
        self.assertIn("shared-nothing.wat: two first", told)  # it could write: the test proves something
        self.assertIn("basics.wat: one warm", told)
        self.assertEqual(len(self.entries()), 1)
        # What it made is no code, and the other module was never touched.
        self.assertIn("hits 00", self.behaves("hostile", "honest"))
        self.assertIn("hits 01", self.behaves("hostile", "honest"))  # now the bad one is gone, and made anew
        self.assertIn("hits 11", self.behaves("hostile", "honest"))

    def test_after_its_first_run_its_word_removes_no_artefact(self):
        self.behaves("hostile", "honest")
        before = self.entries()
        self.assertEqual(len(before), 2)
        self.hostile("POISON", "two-modules")
        self.assertEqual(len(before - self.entries()), 1)  # of the module that it got first

    def test_one_answer_too_many_is_not_taken_for_the_next_run(self):
        self.hostile("DOUBLE", "answers")

    def test_one_that_reads_nothing_ends_at_the_time_limit(self):
        self.hostile("DEAF", "silence")

    def test_one_that_fills_the_socket_holds_nothing_up(self):
        self.hostile("NOREAD", "flood")

    def test_descriptors_that_come_with_an_answer_are_closed(self):
        self.hostile("LEAK", "leak")

    def test_one_that_works_while_nobody_asks_is_ended(self):
        print(self.hostile("SPIN", "idle-work").splitlines()[0])

    def test_answers_that_contradict_themselves_are_not_believed(self):
        self.hostile("LIES", "lies")

    def test_more_output_than_the_limit_is_not_kept(self):
        self.hostile("LIES", "too-much")

    def test_an_artefact_of_holes_is_not_kept(self):
        outcome = self.run_with("STORE=1000000L")
        self.assert_outcome(outcome, status="exited")
        self.assertIn("the compiled module could not be kept", " ".join(outcome["warnings"]))
        self.assertEqual(self.entries(), set())

    def test_an_artefact_can_not_be_larger_than_its_module_makes_likely(self):
        outcome = self.ends_within(2, lambda: self.run_with("STORE=15000000000000L"))
        self.assertNotEqual(outcome["exit"], 0)
        self.assertEqual(self.entries(), set())

    def test_texts_that_are_no_characters_make_no_bad_json(self):
        outcome = self.run_with("LETTERS")
        self.assert_outcome(outcome, status="trapped", stdout_encoding="base64")
        self.assertTrue(outcome["wasm"]["trap"].startswith("a\ufffd"), outcome["wasm"])
        done = self.sandpit("run", self.guest("shared-nothing.wat"), env=self.env | self.worker("LETTERS"))
        done.stderr.decode()  # or it raises
        self.assertNotIn(b"\x1b", done.stderr)

    def test_a_description_that_is_nested_deeply_is_refused(self):
        done = self.sandpit("check", "--json", self.guest("shared-nothing.wat"), env=self.env | self.worker("BRACKETS"))
        found = json.loads(done.stdout)
        self.assertFalse(found["ok"])
        self.assertIn("can't be read", found["problems"][0]["message"])
