"""Processes: reaching others, outliving the run, taking more of the machine than is due."""

import os
import subprocess
import time
import uuid

from escape_case import Escape, processes_now, processes_with
from sandpit_tests import PATIENCE, SLOWNESS, seconds

RESOURCE = "a root with CAP_SYS_RESOURCE"


class ProcessTricks(Escape):
    def test_writing_into_the_memory_of_another(self):
        self.assert_attempt("write_process_memory.c")

    def test_taking_a_descriptor_of_another(self):
        self.assert_attempt("take_descriptor.c", needs="pidfd_getfd (Linux 5.6)")

    def test_a_signal_by_a_pipe_that_another_owns(self):
        sleeper = self.sleeper()
        self.assert_contained("signal_by_descriptor.c", sleeper.pid)
        self.assertIsNone(sleeper.poll())
        self.assert_real("signal_by_descriptor.c", sleeper.pid)
        if os.geteuid() == 0:
            self.assertEqual(sleeper.wait(PATIENCE), -9)

    def test_a_signal_through_a_descriptor_of_the_process(self):
        sleeper = self.sleeper()
        self.assert_contained("signal_through_pidfd.py", sleeper.pid)
        self.assertIsNone(sleeper.poll())
        self.assert_real("signal_through_pidfd.py", sleeper.pid)
        if os.geteuid() == 0:
            self.assertEqual(sleeper.wait(PATIENCE), -9)

    def test_an_orphan_does_not_outlive_the_run(self):
        word = "mark-" + uuid.uuid4().hex
        outcome = self.outcome(self.prepared("outlive_the_run.c"), arguments=[word])
        self.assert_outcome(outcome, status="exited", stdout="left\n")
        self.assertEqual(processes_with(word), [])

    def test_an_orphan_outlives_its_parent_outside(self):
        word = "mark-" + uuid.uuid4().hex
        done = subprocess.run(self.outside_command("outlive_the_run.c", word), cwd=self.dir, stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, b"left\n")
        [left] = processes_with(word)
        os.kill(left, 9)

    def test_the_map_of_its_own_memory(self):
        self.assert_attempt("move_own_heap.c", needs=RESOURCE, error="not permitted")

    def test_a_set_user_id_program_is_not_made(self):
        (self.dir / "grant").mkdir()
        self.assert_contained("make_set_user_id.c", "/in", options=["--write", "grant:/in"])
        for entry in os.scandir(self.dir / "grant"):
            self.assertFalse(entry.stat(follow_symlinks=False).st_mode & 0o6000, entry.name)
        (self.dir / "outside").mkdir()
        self.assert_real("make_set_user_id.c", self.dir / "outside")


class Shares(Escape):
    """Of the machine: priorities and limits."""

    def test_priority(self):
        self.assert_attempt("raise_priority.c")

    def test_real_time(self):
        self.assert_attempt("realtime_scheduling.c", needs="real-time runtime for its cgroup (cpu.rt_runtime_us)", error="not permitted")

    def test_deadlines(self):
        self.assert_attempt("deadline_scheduling.c")

    def test_priority_at_the_disk(self):
        self.assert_attempt("disk_priority.c")

    def test_limits(self):
        self.assert_attempt("raise_limits.py", within=["prlimit", "--nofile=100:100"], needs=RESOURCE, error="not allowed")

    def test_who_dies_when_memory_is_short(self):
        self.assert_attempt("hide_from_oom.py", needs=RESOURCE, error="Permission denied")


class NeverEnding(Escape):
    """Programs that nothing but a limit ends. Outside, what is asked politely to end goes on."""

    def ends_by_wall_time(self, name, *arguments, **fields):
        outcome = self.assert_ends(name, *arguments, status="wall_time_exceeded", options=["--timeout", seconds(1)])
        self.assert_outcome(outcome, signal="SIGKILL", exit=124, **fields)

    def goes_on_outside(self, name):
        outside = self.background(name, options=None, start_new_session=True)
        self.addCleanup(lambda: os.killpg(outside.pid, 9))
        with self.assertRaises(subprocess.TimeoutExpired):
            outside.wait(1)
        return outside

    def test_every_signal_ignored(self):
        self.ends_by_wall_time("ignore_every_signal.c", stdout="deaf\n")
        outside = self.background("ignore_every_signal.c", options=None)
        self.assertEqual(outside.stdout.readline(), b"deaf\n")
        outside.terminate()
        with self.assertRaises(subprocess.TimeoutExpired):
            outside.wait(0.3)

    def test_asleep_in_node(self):
        self.ends_by_wall_time("sleep_for_ever.js", stdout="asleep\n")
        self.goes_on_outside("sleep_for_ever.js")

    def test_stopped_by_itself(self):
        for number in (19, 20, 21, 22):
            with self.subTest(signal=number):
                self.ends_by_wall_time("stop_itself.c", number, stdout="stopping\n")
                outside = self.background("stop_itself.c", number, options=None)
                self.assertEqual(outside.stdout.readline(), b"stopping\n")
                with self.assertRaises(subprocess.TimeoutExpired):
                    outside.wait(0.3)

    def test_the_jails_init_stopped(self):
        self.ends_by_wall_time("stop_the_supervision.c")

    def test_a_parent_stopped_outside(self):
        if os.geteuid() != 0:
            self.skipTest("root, for a pid namespace whose first process the program may try to stop")
        word = "mark-" + uuid.uuid4().hex
        outside = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "sh -c 'setsid \"$@\"; :' sh \"$@\"; :", "sh",
                                    *self.outside_command("stop_the_supervision.c", word)], cwd=self.dir)
        self.addCleanup(outside.wait)
        self.addCleanup(outside.kill)
        for _ in range(int(100 * SLOWNESS)):
            if any(state_of(pid) == "T" for pid in processes_now(word)):
                return
            time.sleep(0.05)
        self.fail("not a real attempt: no parent was stopped")

    def test_processor_time_by_threads(self):
        outcome = self.assert_ends("burn_by_threads.c", status="cpu_time_exceeded", options=["--cpu-time", "1", "--timeout", "60"])
        self.assert_outcome(outcome, exit=124)
        self.assertLess(outcome["cpu_time_ms"], 4000)
        self.goes_on_outside("burn_by_threads.c")

    def test_processor_time_by_children(self):
        outcome = self.assert_ends("burn_by_children.sh", status="cpu_time_exceeded", options=["--cpu-time", "0.5", "--timeout", "60"])
        self.assert_outcome(outcome, exit=124)
        self.goes_on_outside("burn_by_children.sh")


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""
