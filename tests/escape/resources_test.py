"""Using up what the host has. Each program takes a number of things and no more; ESCAPED says that it held all of them at once.

Inside, a limit is lower than the number. Outside, the number is small, and as root the whole suite is in a cgroup of its own."""

import json
import os
import pathlib
import subprocess
import threading

from escape_case import Escape, finding, shortened
from sandpit_tests import PATIENCE, SANITIZER_OPTIONS, sandpit_path, seconds

HUGE = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")


class Counts(Escape):
    def bounded(self, name, most, *more, options):
        self.assert_contained(name, most, *more, options=options)
        self.assert_host_is_well()
        self.assert_real(name, most, *more)

    def test_a_fork_bomb(self):
        self.bounded("fork_bomb.c", 40, options=["--processes", "16"])

    def test_a_thread_bomb(self):
        self.bounded("thread_bomb.c", 40, options=["--processes", "16"])

    def test_a_bomb_of_worker_threads(self):
        # Node itself may end on a thread that it can't have; that is contained too, and never all of them.
        outcome = self.outcome(self.prepared("worker_bomb.js"), "--processes", "6", "--memory", "400", "--timeout", "60", arguments=["24"])
        self.assertIn(outcome["status"], ("exited", "signaled", "memory_exceeded"), outcome)
        self.assertNotIn("ESCAPED", outcome["stdout"])
        self.assert_host_is_well()
        self.assert_real("worker_bomb.js", 24)

    def test_a_flood_of_zombies(self):
        self.bounded("zombie_flood.c", 100, options=["--processes", "20"])

    def test_descriptors(self):
        self.bounded("use_up_descriptors.py", 300, options=["--open-files", "50"])

    def test_open_files_without_descriptors(self):
        self.bounded("descriptors_in_flight.c", 200, options=["--open-files", "64"])

    def test_timers(self):
        self.bounded("memory_of_timers.c", 8000, options=[])  # a machine of 3 GB gives 11,000 outside


class Disk(Escape):
    def test_much_data(self):
        self.assert_attempt("fill_disk.sh", 24, options=["--disk", "16"])

    def test_data_in_files_without_names(self):
        self.assert_attempt("fill_unlinked_file.py", 24, options=["--disk", "16"])

    def test_inodes(self):
        for place in (".", "/tmp", "/dev/shm"):
            self.assert_contained("use_up_inodes.py", 500, place, options=["--config", self.few_inodes()])
        self.assert_host_is_well()
        (self.dir / "many").mkdir()
        self.assert_real("use_up_inodes.py", 500, self.dir / "many")

    def test_names_of_one_file(self):
        self.assert_attempt("hard_link_flood.sh", 400, options=["--config", self.few_inodes()])

    def few_inodes(self):
        return str(self.write("few.toml", "[resource_limits]\nmax_inodes = 200\n"))

    def test_directories_that_are_deep(self):
        self.assert_attempt("deep_directories.c", 600, options=["--config", self.few_inodes()])

    def test_directories_that_are_as_deep_as_the_limits_let_them(self):
        config = self.write("many.toml", "[resource_limits]\nmax_inodes = 1000000\n")
        outcome = self.outcome(self.prepared("deep_directories.c"), "--config", str(config), "--timeout", "6", "--cpu-time", "3",
                               "--memory", "200", arguments=["1000000"])
        self.assertIn(outcome["status"], ("memory_exceeded", "cpu_time_exceeded", "wall_time_exceeded"), outcome)
        self.assert_host_is_well()

    def test_a_file_with_holes(self):
        self.assert_attempt("sparse_file.py")


class Memory(Escape):
    """In every form that memory has."""

    def held(self, name, amount, *more, limit, options=(), ends=("memory_exceeded",)):
        """The program does not get it, and with a cgroup, which sees every form of memory, it ends so."""
        outcome = self.outcome(self.prepared(name), "--memory", str(limit), "--timeout", seconds(60), "--cpu-time", seconds(30), *options,
                               arguments=[str(amount), *map(str, more)])
        self.assert_held("ESCAPED" not in outcome["stdout"], shortened(outcome))
        if self.is_sampled(outcome):
            self.assertIn(outcome["status"], ("exited", "memory_exceeded", *ends), shortened(outcome))
        else:
            self.assertIn(outcome["status"], ends, shortened(outcome))
            self.assertLessEqual(outcome["peak_memory_kb"], (limit + 1) << 10)
        if outcome["status"] == "exited":
            self.assertEqual(self.verdict(outcome["stdout"]), "CONTAINED", shortened(outcome))
        self.assert_host_is_well()
        return outcome

    def is_sampled(self, outcome):
        return outcome["enforcement"]["memory"].endswith("(degraded)")

    def need_a_cgroup(self):
        if self.is_sampled(self.program("probe.sh", "true")):
            self.skipTest("a memory cgroup (here memory is sampled, and samples don't see this: SECURITY.md, degraded mode)")

    def both(self, name, amount, *more, **how):
        self.held(name, amount, *more, **how)
        self.assert_real(name, amount, *more)

    def test_ordinary(self):
        self.both("memory_anonymous.py", 200, limit=64)

    def test_outside_of_the_engines_heap(self):
        self.both("memory_of_node.js", 250, limit=150)

    def test_variables_of_a_shell(self):
        self.both("memory_of_strings.sh", 200, limit=64)

    def test_a_mapped_file(self):
        self.both("memory_mapped_file.c", 100, limit=32, options=["--file-size", "200"], ends=["signaled"])  # SIGBUS, at the disk limit

    def test_memory_files(self):
        self.need_a_cgroup()
        self.both("memory_file.c", 100, limit=32, options=["--open-files", "200"])

    def test_segments_that_nobody_has_attached(self):
        self.both("memory_of_segments.c", 100, limit=32)

    def test_page_tables(self):
        self.need_a_cgroup()
        self.both("memory_of_page_tables.c", 64, limit=32)

    def test_pipes(self):
        self.need_a_cgroup()
        self.both("memory_of_pipes.c", 64, limit=32, options=["--open-files", "1000"])

    def test_sockets(self):
        self.need_a_cgroup()
        self.both("memory_of_sockets.c", 64, limit=32, options=["--open-files", "1000"])

    def need_cgroup_version(self, number):
        if not self.program("probe.sh", "true")["enforcement"]["memory"].startswith(f"cgroup-v{number}"):
            self.skipTest(f"memory limited by cgroup version {number}")

    def test_connections(self):
        self.need_cgroup_version(2)
        self.held("memory_of_tcp.c", 64, limit=32, options=["--open-files", "1000", "--net", "loopback"],
                  ends=["exited", "memory_exceeded"])

    def test_connections_with_cgroup_version_1(self):
        self.need_cgroup_version(1)
        self.held("memory_of_tcp.c", 64, limit=32, options=["--open-files", "1000", "--net", "loopback"],
                  ends=["exited", "memory_exceeded"])

    def test_connections_outside(self):
        self.assert_real("memory_of_tcp.c", 64)

    def test_watches_of_epoll(self):
        self.need_a_cgroup()
        self.held("memory_of_epoll.c", 360, limit=32, options=["--open-files", "2200"])
        # Each set of watches is a descriptor, and the usual limit is 1,024.
        self.assert_real("memory_of_epoll.c", 360, within=["prlimit", "--nofile=2200"])

    def test_messages(self):
        self.need_a_cgroup()
        self.both("memory_of_messages.c", 64, limit=32)

    @finding("no cgroup counts the kernel's memory of locks on bytes of files")
    def test_locks(self):
        self.need_a_cgroup()
        self.both("memory_of_file_locks.c", 200, limit=32, options=["--open-files", "1000"])

    def test_extended_attributes(self):
        self.held("memory_of_attributes.c", 3000, "/dev/shm", limit=32, ends=["exited"])
        (self.dir / "kept").mkdir()
        self.assert_real("memory_of_attributes.c", 3000, self.dir / "kept", needs="user attributes on the file system of /tmp", error="not supported")

    def reserve_huge_pages(self):
        """24 of them, for as long as the test lasts."""
        if os.geteuid() != 0 or not HUGE.exists():
            self.skipTest("root and a kernel with huge pages, to set some aside")
        before = HUGE.read_text()
        self.addCleanup(HUGE.write_text, before)
        HUGE.write_text(str(int(before) + 24))
        if int(HUGE.read_text()) < int(before) + 24:
            self.skipTest("48 MiB of memory in large pieces, for huge pages")

    def test_huge_pages_of_the_host_are_there_outside(self):
        self.reserve_huge_pages()
        self.assert_real("memory_of_huge_pages.c", 24)

    def test_huge_pages_of_the_host(self):
        self.reserve_huge_pages()
        self.held("memory_of_huge_pages.c", 24, limit=32, ends=["exited"])


class Output(Escape):
    """Floods: the supervisor's own memory stays small, and the run goes on."""

    def flood(self, name, size):
        program = self.prepared(name)
        with open(self.dir / "outcome", "wb") as out:
            process = subprocess.Popen([sandpit_path(), "run", "--json", "--output-limit", "64KiB", "--timeout", seconds(60), "--cpu-time", seconds(30),
                                        "--", program, str(size)], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=out)
            killer = threading.Timer(PATIENCE, process.kill)
            killer.start()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            killer.cancel()
        self.assertEqual(process.returncode, 0)
        # Of the largest process: Sandpit's, or the program's, which the interpreter's size decides.
        if not SANITIZER_OPTIONS:
            self.assertLess(usage.ru_maxrss, 160 << 10)
        self.assertLess((self.dir / "outcome").stat().st_size, 1 << 20)
        outside = subprocess.run(self.outside_command(name, 1), capture_output=True, timeout=PATIENCE, check=True)
        self.assertGreater(len(outside.stdout + outside.stderr), 1_000_000, "not a real attempt")
        return json.loads((self.dir / "outcome").read_bytes())

    def test_lines(self):
        outcome = self.flood("flood_lines.py", 100)
        self.assert_outcome(outcome, status="exited", stdout_truncated=True, stdout_bytes=9362 * 7 * 1600)

    def test_one_line_without_an_end(self):
        self.assert_outcome(self.flood("flood_without_newline.js", 100), status="exited", stdout_truncated=True, stdout_bytes=100 << 20)

    def test_errors_that_are_no_text(self):
        self.assert_outcome(self.flood("flood_of_errors.sh", 100), status="exited", stderr_truncated=True, stderr_bytes=100 << 20)
