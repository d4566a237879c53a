"""Programs that want too much, the cache of compiled modules, and workers that die."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time

from sandpit_tests import PATIENCE, own_cgroup, sandpit_path
from wasm_case import WasmCase, binary_module

SLACK = 1.0  # seconds after the limit, and the time that a start takes on a busy machine
START = 2.0


class MemoryLimits(WasmCase):
    def test_growth_ends_at_max_memory_pages(self):
        outcome = self.invoke("limits.wat", "grow_memory", options=self.config("max_memory_pages = 100"))
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout="97\n")
        self.assertEqual(outcome["wasm"]["memory_high_water_kb"], 97 * 64)
        self.assert_outcome(self.invoke("limits.wat", "memory_of", "99", options=self.config("max_memory_pages = 100")), stdout="1\n")
        self.assert_outcome(self.invoke("limits.wat", "memory_of", "100", options=self.config("max_memory_pages = 100")), stdout="-1\n")

    def test_growth_ends_at_the_memory_limit_when_that_is_smaller(self):
        outcome = self.invoke("limits.wat", "grow_memory", options=["--memory", "64MiB"])
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertLessEqual(int(outcome["stdout"]), 1024)

    def test_a_module_that_can_do_nothing_without_memory_ends_by_memory(self):
        outcome = self.invoke("limits.wat", "must_grow", options=["--memory", "64MiB"])
        self.assert_outcome(outcome, status="memory_exceeded", exit=137)

    def test_memory_that_is_used_is_bounded_from_outside_too(self):
        outcome = self.invoke("limits.wat", "fill_memory", options=["--memory", "64MiB", "--timeout", "30"])
        self.assertIn(outcome["status"], ("exited", "memory_exceeded"))
        self.assertLess(outcome["peak_memory_kb"], 70 << 10)

    def test_memory_that_is_too_large_from_the_start(self):
        text = '(module (memory 200) (func (export "_start")))'
        outcome = self.program("m.wat", text, *self.config("max_memory_pages = 100"))
        self.assert_outcome(outcome, status="memory_exceeded", exit=137)
        self.assertEqual([row["limit"] for row in outcome["limits_reached"]], ["memory"])
        done = self.sandpit("run", *self.config("max_memory_pages = 100"), "m.wat")
        self.assertIn(b"max_memory_pages", done.stderr)
        self.assertNotIn(b"--memory raises it", done.stderr)
        self.assert_outcome(self.program("m.wat", text, *self.config("max_memory_pages = 200")), status="exited")

    def test_tables(self):
        outcome = self.invoke("limits.wat", "grow_table", options=self.config("max_table_elements = 10000"))
        self.assert_outcome(outcome, status="exited", stdout="9001\n")
        outcome = self.program("t.wat", '(module (table 11 funcref) (func (export "_start")))', *self.config("max_table_elements = 10"))
        self.assert_outcome(outcome, status="memory_exceeded")
        self.assert_outcome(self.outcome("t.wat", *self.config("max_table_elements = 11")), status="exited")

    def test_numbers_of_memories_tables_and_instances(self):
        for key, text in (("max_memories", "(memory 1) (memory 1)"), ("max_tables", "(table 1 funcref) (table 1 funcref)")):
            with self.subTest(key=key):
                self.write("n.wat", f'(module {text} (func (export "_start")))')
                self.assert_outcome(self.outcome("n.wat", *self.config(f"{key} = 2")), status="exited")
                outcome = self.outcome("n.wat", *self.config(f"{key} = 1"))
                self.assert_refused(outcome, key)
        self.assert_outcome(self.run_guest("hello-component.wat", *self.config("max_instances = 10")), status="exited", exit_code=0)
        self.assert_refused(self.run_guest("hello-component.wat", *self.config("max_instances = 1")), "max_instances")

    def test_the_stack(self):
        outcome = self.invoke("limits.wat", "deep", "1000000000")
        self.assert_trap(outcome, "stack_overflow")
        self.assertIn("stack_size in [runtimes.wasm]", outcome["message"])
        self.assertTrue(outcome["wasm"]["backtrace"][0].startswith("deep (limits.wat"), outcome["wasm"]["backtrace"][:1])
        self.assert_outcome(self.invoke("limits.wat", "deep", "1000"), stdout="1000\n")
        self.assert_trap(self.invoke("limits.wat", "deep", "5000", options=self.config('stack_size = "32KiB"')), "stack_overflow")
        self.assert_outcome(self.invoke("limits.wat", "deep", "50000", options=self.config('stack_size = "16MiB"')), stdout="50000\n")


class TimeLimits(WasmCase):
    @staticmethod
    def has_worker(process, until):
        """Once, or as soon as there is one."""
        while True:
            found = any(name.startswith("wasm-worker") for _, name in processes_below(process.pid))
            if found or time.monotonic() > until:
                return found
            time.sleep(0.02)

    def timed(self, limit, start):
        return self.ends_within(limit + SLACK + START, start)

    def test_a_loop_ends_by_cpu_time(self):
        outcome = self.timed(0.5, lambda: self.invoke("limits.wat", "spin", options=["--cpu-time", "0.5", "--timeout", "60"]))
        self.assert_outcome(outcome, status="cpu_time_exceeded", exit=124)
        self.assertLess(outcome["cpu_time_ms"], 1500)

    def test_a_loop_ends_by_wall_time(self):
        outcome = self.timed(0.5, lambda: self.invoke("limits.wat", "spin", options=["--cpu-time", "0.5", "--timeout", "0.5"]))
        self.assertIn(outcome["status"], ("wall_time_exceeded", "cpu_time_exceeded"))
        self.assertLess(outcome["wall_time_ms"], 1500)

    def test_one_long_instruction_ends(self):
        options = ["--cpu-time", "1", "--timeout", "60"]
        outcome = self.timed(1, lambda: self.invoke("limits.wat", "fill", "65536", options=options))
        self.assert_outcome(outcome, status="cpu_time_exceeded", exit=124)

    def test_abuse_of_the_clock_ends(self):
        outcome = self.timed(0.5, lambda: self.run_guest("basics.wat", "--cpu-time", "0.5", "--timeout", "60", arguments=["n"]))
        self.assert_outcome(outcome, status="cpu_time_exceeded", exit=124)

    def test_sleeping_for_years_ends(self):
        for name, how in (("basics.wat", "s"), ("basics.wat", "S"), ("p2-basics.wat", "s")):
            with self.subTest(name=name, how=how):
                outcome = self.timed(1, lambda name=name, how=how: self.run_guest(name, "--timeout", "1", arguments=[how]))
                self.assert_outcome(outcome, status="wall_time_exceeded", exit=124)
                self.assertEqual([row["limit"] for row in outcome["limits_reached"]], ["wall_time"])
                self.assertGreaterEqual(outcome["wall_time_ms"], 950)
                self.assertLess(outcome["wall_time_ms"], 2000)
                self.assertLess(outcome["cpu_time_ms"], 500)

    def test_waiting_for_stdin_ends(self):
        for name, how in (("basics.wat", "c"), ("basics.wat", "p"), ("p2-basics.wat", "c")):
            with self.subTest(name=name, how=how):
                read, write = os.pipe()
                try:
                    outcome = self.timed(1, lambda name=name, how=how, read=read: self.run_guest(
                        name, "--timeout", "1", arguments=[how], stdin=read))
                finally:
                    os.close(read)
                    os.close(write)
                self.assert_outcome(outcome, status="wall_time_exceeded", exit=124)
                self.assertLess(outcome["wall_time_ms"], 2000)

    def test_a_program_whose_output_nobody_reads_ends(self):
        # sandpit itself waits for its reader, as any command does.
        read, write = os.pipe()
        try:
            began = time.monotonic()
            process = subprocess.Popen([sandpit_path(), "run", "--timeout", "1", self.guest("basics.wat"), "f"], cwd=self.dir,
                                       env=self.env, stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.DEVNULL)
            try:
                self.assertTrue(self.has_worker(process, began + 1))
                while self.has_worker(process, 0) and time.monotonic() < began + 1 + SLACK + START:
                    time.sleep(0.05)
                self.assertFalse(self.has_worker(process, 0))
            finally:
                process.kill()
                process.wait()
        finally:
            os.close(read)
            os.close(write)

    def test_a_start_function_that_never_ends(self):
        text = '(module (func $f (loop (br 0))) (start $f) (func (export "_start")))'
        outcome = self.timed(0.5, lambda: self.program("s.wat", text, "--cpu-time", "0.5", "--timeout", "60"))
        self.assert_outcome(outcome, status="cpu_time_exceeded", exit=124)

    def test_a_hundred_thousand_functions_compile_or_end_at_the_limit(self):
        self.write("many.wasm", binary_module(*[b"\x41\x07\x41\x08\x6a\x1a"] * 100000))
        outcome = self.outcome("many.wasm", "--memory", "1GiB", "--timeout", "60", "--cpu-time", "60", *self.config("cache = false"))
        self.assert_outcome(outcome, status="exited", exit_code=0)
        outcome = self.timed(0.3, lambda: self.outcome("many.wasm", "--memory", "1GiB", "--timeout", "60", "--cpu-time", "0.3",
                                                       *self.config('cache = false\ncompiler = "cranelift"')))
        self.assert_outcome(outcome, status="cpu_time_exceeded", exit=124)

    def test_a_huge_function_ends_at_the_limit(self):
        self.write("huge.wasm", binary_module(b"".join(b"\x02\x40\x41\x00\x0d\x00\x41\x01\x1a\x0b" for _ in range(700000))))
        options = ["--memory", "1GiB", "--timeout", "1", "--cpu-time", "1"]
        outcome = self.timed(1, lambda: self.outcome("huge.wasm", *options, *self.config('cache = false\ncompiler = "cranelift"')))
        self.assertIn(outcome["status"], ("wall_time_exceeded", "cpu_time_exceeded"), outcome)
        self.assertLess(outcome["wall_time_ms"], 2000)

    def test_memory_is_bounded_while_compiling(self):
        self.write("huge.wasm", binary_module(b"".join(b"\x02\x40\x41\x00\x0d\x00\x41\x01\x1a\x0b" for _ in range(700000))))
        outcome = self.outcome("huge.wasm", "--memory", "48MiB", "--timeout", "60", "--cpu-time", "60",
                               *self.config('cache = false\ncompiler = "cranelift"'))
        self.assert_outcome(outcome, status="memory_exceeded", exit=137)
        self.assertIn("compiling", outcome["message"])


class Fuel(WasmCase):
    def test_the_same_work_takes_the_same_fuel(self):
        options = self.config("fuel = 100000000")
        used = {self.invoke("limits.wat", "count", "1000", options=options)["wasm"]["fuel_used"] for _ in range(3)}
        self.assertEqual(len(used), 1)
        more = self.invoke("limits.wat", "count", "2000", options=options)["wasm"]["fuel_used"]
        self.assertGreater(more, used.pop())
        component = {self.run_guest("hello-component.wat", *options)["wasm"]["fuel_used"] for _ in range(2)}
        self.assertEqual(len(component), 1)

    def test_it_does_not_depend_on_the_compiler_or_the_cache(self):
        used = {self.invoke("limits.wat", "count", "1000", options=self.config(f"fuel = 100000000\n{more}"))["wasm"]["fuel_used"]
                for more in ('compiler = "cranelift"', 'compiler = "winch"', "cache = false")}
        self.assertEqual(len(used), 1, used)

    def test_it_runs_out(self):
        outcome = self.ends_within(10, lambda: self.invoke("limits.wat", "spin", options=self.config("fuel = 100000")))
        self.assert_trap(outcome, "out_of_fuel")
        self.assertEqual(outcome["wasm"]["fuel_used"], 100000)
        self.assertIn("fuel in [runtimes.wasm]", outcome["message"])

    def test_it_is_not_counted_by_default(self):
        self.assertIsNone(self.run_guest("hello.wat")["wasm"]["fuel_used"])


class Cache(WasmCase):
    def setUp(self):
        super().setUp()
        self.cache = self.dir / "home/.cache/sandpit/wasm"

    def entries(self):
        return sorted(self.cache.glob("*.cwasm"))

    def hello(self, hit, *options, stdout="Hello from WebAssembly\n", name="hello.wat"):
        outcome = self.run_guest(name, *options)
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout=stdout)
        self.assertEqual(outcome["wasm"]["cache_hit"], hit, outcome)
        return outcome

    def test_the_second_run_is_a_hit(self):
        for name, text in (("hello.wat", "Hello from WebAssembly\n"), ("hello-component.wat", "Hello from a component\n")):
            self.hello(False, name=name, stdout=text)
            self.assertEqual(self.hello(True, name=name, stdout=text)["wasm"]["compile_time_ms"], 0)
        self.assertEqual(len(self.entries()), 2)
        self.assertEqual(self.cache.stat().st_mode & 0o777, 0o700)

    def test_other_settings_are_another_entry(self):
        self.hello(False)
        self.hello(False, *self.config("fuel = 100000"))
        self.hello(True)

    def spoiled(self, spoil):
        self.hello(False)
        entry, = self.entries()
        spoil(entry)
        self.hello(False)
        self.hello(True)

    def test_a_corrupt_entry_is_made_again(self):
        def flip(entry):
            data = bytearray(entry.read_bytes())
            for at in range(200, len(data), 97):
                data[at] ^= 0xFF
            entry.write_bytes(data)
        self.spoiled(flip)

    def test_one_flipped_bit_is_found(self):
        def flip(entry):
            data = bytearray(entry.read_bytes())
            data[len(data) // 2] ^= 1
            entry.write_bytes(data)
        self.spoiled(flip)

    def test_a_truncated_and_an_empty_entry_are_made_again(self):
        self.spoiled(lambda entry: os.truncate(entry, entry.stat().st_size // 2))

    def test_an_empty_entry_is_made_again(self):
        self.spoiled(lambda entry: os.truncate(entry, 0))

    def test_a_link_a_directory_and_a_fifo_in_its_place_are_not_used(self):
        for make in (lambda entry: os.symlink("/etc/passwd", entry), os.mkfifo, os.mkdir):
            self.run_guest("hello.wat")
            entry, = self.entries()
            entry.unlink()
            make(entry)
            self.assert_outcome(self.run_guest("hello.wat"), stdout="Hello from WebAssembly\n")
            if entry.is_dir() and not entry.is_symlink():
                entry.rmdir()

    def test_an_entry_of_another_module_is_not_used(self):
        self.hello(False)
        mine, = self.entries()
        other = self.program("other.wat", (self.dir / "hello.wat").read_text().replace("Hello", "Other"))
        self.assert_outcome(other, stdout="Other from WebAssembly\n")
        theirs, = set(self.entries()) - {mine}
        mine.write_bytes(theirs.read_bytes())
        self.hello(False)
        self.hello(True)

    def test_a_directory_that_others_may_write_to_is_not_used(self):
        self.hello(False)
        self.cache.chmod(0o777)
        outcome = self.hello(False)
        self.assertIn("cache", " ".join(outcome["warnings"]))
        self.cache.chmod(0o700)
        self.hello(True)

    def test_an_entry_that_others_may_write_to_is_not_used(self):
        self.spoiled(lambda entry: entry.chmod(0o666))

    def test_it_may_be_off(self):
        self.hello(False, *self.config("cache = false"))
        self.hello(False, *self.config("cache = false"))
        self.assertEqual(self.entries(), [])

    def test_a_place_that_cannot_be_had_costs_nothing_else(self):
        self.write("home/.cache", "a file")
        outcome = self.hello(False)
        self.assertIn("no cache of compiled modules", " ".join(outcome["warnings"]), outcome)
        refused = self.run_guest("hello.wat", *self.config(f'cache_dir = "{self.dir}/home/.cache/x"'))
        self.assert_refused(refused, "runtimes.wasm.cache_dir", exit_status=2)

    def test_a_link_in_its_place_is_not_followed(self):
        target = self.dir / "elsewhere"
        target.mkdir(mode=0o700)
        self.cache.parent.mkdir(parents=True)
        self.cache.symlink_to(target)
        outcome = self.hello(False)
        self.assertIn("no cache of compiled modules", " ".join(outcome["warnings"]))
        self.assertEqual(os.listdir(target), [])
        self.cache.unlink()
        self.hello(False)
        self.assertEqual(len(self.entries()), 1)

    def test_a_directory_in_another_users_is_not_used(self):
        if os.geteuid() != 0:
            self.skipTest("root, to give a directory away")
        self.hello(False)
        os.chown(self.cache.parent, 65534, 65534)
        outcome = self.hello(False)
        self.assertIn("belongs to another user", " ".join(outcome["warnings"]))
        os.chown(self.cache.parent, 0, 0)
        self.hello(True)

    def test_its_size_is_bounded(self):
        options = self.config('cache_max_size = "1MiB"')
        for number in range(5):
            self.write(f"m{number}.wasm", binary_module(*[b"\x41\x07\x41\x08\x6a\x1a"] * (3000 + number)))
            self.assert_outcome(self.outcome(f"m{number}.wasm", *options), status="exited")
        sizes = [entry.stat().st_size for entry in self.entries()]
        self.assertLessEqual(sum(sizes), 1 << 20)
        self.assertGreaterEqual(len(sizes), 1, "nothing of it was kept")
        self.assertLess(len(sizes), 5, sizes)

    def test_eight_first_runs_at_once(self):
        self.guest("hello.wat")
        command = [sandpit_path(), "run", "--json", "hello.wat"]
        runs = [subprocess.Popen(command, cwd=self.dir, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 stdin=subprocess.DEVNULL) for _ in range(8)]
        for run in runs:
            out, err = run.communicate(timeout=PATIENCE)
            self.assertEqual((run.returncode, json.loads(out)["stdout"]), (0, "Hello from WebAssembly\n"), err)
        self.assertEqual(len(self.entries()), 1)
        self.assertEqual([path.name for path in self.cache.iterdir() if path.suffix == ".tmp"], [])
        self.hello(True)

    def test_the_same_module_under_two_names_keeps_its_lines(self):
        for name in ("one.wat", "two.wat"):
            outcome = self.program(name, '(module (func (export "_start") unreachable))')
            self.assertIn(name, outcome["wasm"]["backtrace"][0])


def processes_below(pid):
    """Process ids of the tree below pid, with their command names."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        children.setdefault(int(text[text.rindex(")") + 2:].split()[1]), []).append((int(stat.parent.name), name))
    found, todo = [], [pid]
    while todo:
        for child, name in children.get(todo.pop(), []):
            found.append((child, name))
            todo.append(child)
    return found


class Crashes(WasmCase):
    def start(self, *options, name="basics.wat", arguments=("s",)):
        process = subprocess.Popen([sandpit_path(), "run", "--json", "--timeout", "30", *options, self.guest(name), *arguments],
                                   cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def worker_of(self, process):
        for _ in range(200):
            found = [pid for pid, name in processes_below(process.pid) if name.startswith("wasm-worker")]
            if found:
                return found[-1]
            time.sleep(0.02)
        self.fail(f"no worker: {processes_below(process.pid)}")

    @staticmethod
    def remove_groups():
        """What a killed sandpit could not remove itself; the next run that takes its slot would."""
        for controller in ("pids", "memory", "cpuacct", "cpu", "freezer"):
            for group in (own_cgroup(controller) or pathlib.Path("/nonexistent")).glob("sandpit-*"):
                with contextlib.suppress(OSError):  # somebody lives in it
                    group.rmdir()

    def killed(self, number):
        process = self.start()
        worker = self.worker_of(process)
        time.sleep(0.3)
        os.kill(worker, number)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertTrue(out, err)
        return process.returncode, json.loads(out)

    def test_a_worker_that_is_killed_is_told_clearly(self):
        if os.geteuid() != 0:
            self.skipTest("root, to signal a process of a run's user")
        status, outcome = self.killed(signal.SIGKILL)
        self.assertEqual((outcome["status"], outcome["signal"]), ("signaled", "SIGKILL"), outcome)
        self.assertEqual(status, 137)
        status, outcome = self.killed(signal.SIGABRT)
        self.assertIn("worker crashed (SIGABRT)", outcome["message"])
        self.assertIn("running the module", outcome["message"])

    def test_nothing_is_left_of_a_run(self):
        for name, arguments in (("hello.wat", ()), ("traps.wat", ()), ("values.wat", ())):
            process = self.start(name=name, arguments=arguments)
            process.communicate(timeout=PATIENCE)
        self.assertEqual(processes_below(os.getpid()), [])
        groups = [group for controller in ("pids", "memory") if (group := own_cgroup(controller))]
        self.assertEqual([str(left) for group in groups for left in group.glob("sandpit-*")], [])

    def test_nothing_is_left_when_sandpit_is_killed(self):
        process = self.start()
        worker = self.worker_of(process)
        self.assertTrue(pathlib.Path(f"/proc/{worker}").exists())
        process.kill()
        process.communicate(timeout=PATIENCE)
        self.addCleanup(self.remove_groups)
        deadline = time.monotonic() + 5
        while pathlib.Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertFalse(pathlib.Path(f"/proc/{worker}").exists())

    def test_an_interrupt_ends_a_run(self):
        process = self.start()
        self.worker_of(process)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        self.assertLess(time.monotonic() - began, 3)
        self.assertNotEqual(process.returncode, 0)

    def test_the_worker_is_confined(self):
        process = self.start()
        worker = self.worker_of(process)
        time.sleep(0.2)
        status = pathlib.Path(f"/proc/{worker}/status").read_text()
        self.assertIn("Seccomp:\t2", status)
        self.assertIn("NoNewPrivs:\t1", status)
        self.assertRegex(status, r"CapEff:\t0+\n")
        own = pathlib.Path("/proc/self/status").read_text()
        self.assertNotIn("Seccomp:\t2", own if "Seccomp:\t0" in own else "")

    def test_too_little_memory_for_anything(self):
        self.need_exact_limits()
        outcome = self.run_guest("hello.wat", "--memory", "1MiB")
        self.assertNotEqual(outcome["exit"], 0)
        self.assertTrue(outcome["message"], outcome)
