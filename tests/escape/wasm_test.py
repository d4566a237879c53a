"""Hostile WebAssembly. Outside is a run with the grant that was missing, since there is no module without an engine."""

from escape_case import Escape
from sandpit_tests import worker_state


class Wasm(Escape):
    def setUp(self):
        super().setUp()
        if worker_state() != "ready":
            self.skipTest(f"the WebAssembly worker, which is {worker_state()}")

    def granted(self, name, *options, arguments=()):
        """With a grant the same module gets what it wants: the attempt is real."""
        outcome = self.outcome(self.prepared(name), *options, arguments=list(arguments))
        self.assertEqual((outcome["status"], self.verdict(outcome["stdout"])), ("exited", "ESCAPED"), outcome)

    def test_a_file_of_the_host(self):
        self.write("etc/passwd", "x")
        self.assert_contained("wasm_climb_out.wat")
        self.granted("wasm_climb_out.wat", "--read", "etc:/data")

    def test_a_link_out_of_a_grant(self):
        self.write("above/secret", "x", 0o666)
        (self.dir / "above/grant").mkdir()
        self.assert_contained("wasm_follow_link.wat", options=["--write", "above/grant:/in"])
        self.granted("wasm_follow_link.wat", "--write", "above:/in")

    def test_the_callers_environment(self):
        self.env["SANDPIT_TEST_SECRET"] = "hunter2"
        outcome = self.outcome(self.prepared("wasm_read_environment.wat"))
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertNotIn("hunter2", outcome["stdout"])
        self.assertIn("A=hunter2", self.outcome("wasm_read_environment.wat", "--env", "A=hunter2")["stdout"])

    def test_much_memory(self):
        outcome = self.outcome(self.prepared("wasm_grow_memory.wat"), "--memory", "64")
        self.assertIn(outcome["status"], ("exited", "memory_exceeded"), outcome)
        self.assertNotIn("ESCAPED", outcome["stdout"])
        self.granted("wasm_grow_memory.wat", "--memory", "400")

    def test_no_end(self):
        outcome = self.assert_ends("wasm_endless_loop.wat", status="cpu_time_exceeded", options=["--cpu-time", "0.5", "--timeout", "60"])
        self.assert_outcome(outcome, exit=124)
        longer = self.assert_ends("wasm_endless_loop.wat", status="cpu_time_exceeded", options=["--cpu-time", "1.5", "--timeout", "60"])
        self.assertGreater(longer["cpu_time_ms"], outcome["cpu_time_ms"])

    def test_memory_that_is_not_its_own(self):
        outcome = self.outcome(self.prepared("wasm_read_past_memory.wat"))
        self.assert_outcome(outcome, status="trapped", stdout="")
        self.granted("wasm_read_past_memory.wat", arguments=["more"])
