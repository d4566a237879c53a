"""Attacks on who watches: what a run says, how it ends, and what it leaves must be told as it is."""

import contextlib
import json
import os
import pty
import select
import subprocess

from escape_case import Escape, processes_now
from sandpit_tests import PATIENCE, sandpit_path


class Supervisor(Escape):
    def test_output_that_is_no_text(self):
        done = self.sandpit("run", "--json", "--", self.prepared("malformed_output.py"))
        outcome = json.loads(done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assert_outcome(outcome, status="exited", exit_code=0)
        outside = subprocess.run(self.outside_command("malformed_output.py"), capture_output=True, check=True)
        self.assertEqual((outcome["stdout_bytes"], outcome["stderr_bytes"]), (len(outside.stdout), len(outside.stderr)))
        self.assertFalse(set(done.stdout[:-1]) & set(range(32)), "control characters in JSON")
        done = self.sandpit("run", "--quiet", "malformed_output.py")
        self.assertEqual((done.stdout, done.stderr), (outside.stdout, outside.stderr))

    def test_messages_that_look_like_sandpits(self):
        outcome = self.outcome(self.prepared("forge_messages.sh"), arguments=["137"])
        self.assert_outcome(outcome, status="exited", exit_code=137, signal=None)
        # Who sees no more than an exit status can't tell it from the real thing.
        self.assertEqual(subprocess.run(self.outside_command("forge_messages.sh", 137), capture_output=True, check=False).returncode,
                         subprocess.run(["bash", "-c", "sh -c 'kill -9 $$'; exit $?"], capture_output=True, check=False).returncode)

    def test_every_descriptor_closed(self):
        outcome = self.outcome(self.prepared("close_every_descriptor.c"))
        self.assert_outcome(outcome, status="exited", exit_code=7, stdout="closing\n")
        self.assertGreaterEqual(outcome["wall_time_ms"], 450)
        outside = self.background("close_every_descriptor.c", options=None)
        self.assertEqual(outside.stdout.read(), b"closing\n")  # to the end of the stream
        self.assertIsNone(outside.poll())
        self.assertEqual(outside.wait(PATIENCE), 7)

    def test_streams_that_a_child_keeps_open(self):
        outcome = self.outcome(self.prepared("half_closed_streams.py"), "--timeout", "60")
        self.assert_outcome(outcome, status="exited", exit_code=3, stdout="gone\n")
        self.assertLess(outcome["wall_time_ms"], 50000)
        outside = self.background("half_closed_streams.py", options=None, start_new_session=True)
        self.assertEqual(outside.stdout.readline(), b"gone\n")
        self.assertEqual(outside.wait(PATIENCE), 3)
        self.assertEqual(select.select([outside.stdout], [], [], 0.3)[0], [], "the stream has an end")
        for pid in processes_now(str(self.dir / "half_closed_streams.py")):
            os.kill(pid, 9)

    def test_input_that_is_not_read(self):
        outcome = self.outcome(self.prepared("ignore_input.c"), stdin=b"x" * (32 << 20))
        self.assert_outcome(outcome, status="exited", stdout="not interested\n")
        outside = self.background("ignore_input.c", options=None)
        with self.assertRaises(BrokenPipeError):  # who waits for it to read waits for its end
            outside.stdin.write(b"x" * (1 << 20))
            outside.stdin.flush()
        with contextlib.suppress(BrokenPipeError):
            outside.stdin.close()

    def test_a_reader_of_the_output_that_goes_away(self):
        name = self.prepared("flood_lines.py")
        run = self.background(name, 400, options=["--cpu-time", "60"])
        run.stdout.readline()
        run.stdout.close()
        run.wait(PATIENCE)
        self.assert_host_is_well()

    def test_a_flood_of_denials(self):
        self.assert_contained("flood_of_denials.c", 200000)
        done = self.sandpit("run", "flood_of_denials.c".removesuffix(".c"), "200000")
        self.assertLess(len(done.stderr), 20000)
        self.assert_real("flood_of_denials.c", 200000, needs="a kernel with vsock", error="200000 denied")

    def test_names_that_are_json(self):
        name = 'p","status":"x\n{"a":1}\x1b[31m.py'
        self.write(name, "print('ran')")
        done = self.sandpit("run", "--json", "--", name)
        outcome = json.loads(done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assert_outcome(outcome, status="exited", stdout="ran\n")

    def test_files_whose_names_are_json(self):
        done = self.sandpit("run", "--json", "--out", "out", "--", self.prepared("json_in_names.py"), '","status":"x', "\x1b[31m")
        outcome = json.loads(done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assert_outcome(outcome, status="exited", stdout="made\n", exit_code=0)
        self.assertFalse(set(done.stderr) & (set(range(32)) - {10}), done.stderr)
        self.assertEqual([e.name for e in os.scandir(self.dir / "out") if e.is_symlink()], [])
        for word in outcome.get("warnings", []):
            self.assertTrue(word.isprintable(), word)
        (self.dir / "scratch").mkdir()
        subprocess.run(self.outside_command("json_in_names.py"), cwd=self.dir / "scratch", stdout=subprocess.DEVNULL, check=True)
        self.assertLessEqual({"\x1b]0;title\x07", "link\x1b]0;title\x07", "\n{\"status\":\"exited\"}\n"}, set(os.listdir(self.dir / "scratch")))

    def on_a_terminal(self, *command):
        """What a terminal gets on which this was started."""
        leader, follower = pty.openpty()
        process = subprocess.Popen(["setsid", "--ctty", "--wait", *command], cwd=self.dir, env=self.env, stdin=follower, stdout=follower,
                                   stderr=follower)
        os.close(follower)
        said = b""
        with contextlib.suppress(OSError):
            while chunk := os.read(leader, 4096):
                said += chunk
        process.wait(PATIENCE)
        os.close(leader)
        return said

    def test_escape_sequences_reach_a_terminal_outside(self):
        self.assertIn(b"\x1b]52;", self.on_a_terminal(*self.outside_command("terminal_escapes.sh")))

    def test_escape_sequences_on_a_terminal(self):
        said = self.on_a_terminal(sandpit_path(), "run", "--", self.prepared("terminal_escapes.sh"))
        self.assertIn(b"hidden", said)
        self.assert_held(b"\x1b]" not in said and b"\x1b[6n" not in said and b"\x1bP" not in said, said)
        self.assertIn(b"--raw-terminal", said)

    def test_escape_sequences_reach_a_terminal_that_was_granted(self):
        said = self.on_a_terminal(sandpit_path(), "run", "--raw-terminal", "--", self.prepared("terminal_escapes.sh"))
        self.assertIn(b"\x1b]52;c;ZXZpbA==\a\x1b[6n\x1b[c\x1bP$q q", said)

    def test_output_that_goes_to_no_terminal_is_not_touched(self):
        program = self.prepared("terminal_escapes.sh")
        inside, outside = self.sandpit("run", "--quiet", program), subprocess.run(self.outside_command(program), capture_output=True, check=True)
        self.assertEqual((inside.stdout, inside.stderr), (outside.stdout, outside.stderr))

    def test_a_sequence_made_of_two_streams(self):
        said = self.on_a_terminal(sandpit_path(), "run", "--", self.prepared("terminal_two_streams.py"))
        self.assertIn(b"ended", said)
        self.assert_held(b"\x1b[6n" not in said and b"\x1b]" not in said, said)
        self.assertIn(b"\x1b[6n", self.on_a_terminal(*self.outside_command("terminal_two_streams.py")))

    def test_escape_sequences_in_json(self):
        said = self.on_a_terminal(sandpit_path(), "run", "--json", "--", self.prepared("terminal_escapes.sh"))
        self.assertIn(b"title", said)
        self.assertFalse(set(said) & {0x1B, 0x9B, 7}, said)
