#!/usr/bin/env python3
"""The report of denials: what is listed, that errnos stay, that it is bounded, and that no program can turn it to its use.

    tests/denials/run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]
"""

import json
import os
import pathlib
import resource
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sandpit_tests  # noqa: E402
from sandpit_tests import PATIENCE, SLOWNESS, WARM, Case, sandpit_path, seconds  # noqa: E402

# Numbers of x86-64. What each answers is printed; none of them may succeed.
HEAD = """
import ctypes, errno, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    wide = [ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *wide)
    return "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()]
"""

# (number and arguments as Python, call, detail, errno)
FAMILIES = [
    ("41, 17, 3, 0x300", "socket", "AF_PACKET SOCK_RAW protocol 768", "EAFNOSUPPORT"),
    ("41, 38, 5, 0", "socket", "AF_ALG SOCK_SEQPACKET", "EAFNOSUPPORT"),
    ("41, 2, 3, 1", "socket", "AF_INET SOCK_RAW protocol 1", "EAFNOSUPPORT"),
    ("101, 16, 1, 0, 0", "ptrace", "PTRACE_ATTACH pid 1", "EPERM"),
    ("310, 1, 0, 0, 0, 0, 0", "process_vm_readv", "pid 1", "EPERM"),
    ("311, 1, 0, 0, 0, 0, 0", "process_vm_writev", "pid 1", "EPERM"),
    ("165, b'none', b'/mnt', b'tmpfs', 0, 0", "mount", "tmpfs on /mnt", "EPERM"),
    ("166, b'/proc', 2", "umount2", "/proc", "EPERM"),
    ("155, b'/a', b'/b'", "pivot_root", "/a /b", "EPERM"),
    ("161, b'/tmp'", "chroot", "/tmp", "EPERM"),
    ("272, 0x10000000", "unshare", "CLONE_NEWUSER", "EPERM"),
    ("56, 0x50000011, 0, 0, 0, 0", "clone", "CLONE_NEWUSER|CLONE_NEWNET", "EPERM"),
    ("308, 0, 0x40000000", "setns", "CLONE_NEWNET", "EPERM"),
    ("250, 0, -3, 0, 0, 0", "keyctl", "operation 0", "EPERM"),
    ("248, b'user', b'key', b'x', 1, -3", "add_key", "user key", "EPERM"),
    ("249, b'user', b'key', 0, -3", "request_key", "user key", "EPERM"),
    ("321, 5, 0, 0", "bpf", "command 5", "EPERM"),
    ("298, 0, 0, -1, -1, 0", "perf_event_open", "", "EPERM"),
    ("425, 8, 0", "io_uring_setup", "", "ENOSYS"),
    ("323, 1", "userfaultfd", "", "EPERM"),
    ("175, 0, 0, b''", "init_module", "", "EPERM"),
    ("313, 0, b'', 0", "finit_module", "", "EPERM"),
    ("176, b'x', 0", "delete_module", "", "EPERM"),
    ("246, 0, 0, 0, 0", "kexec_load", "", "EPERM"),
    ("169, 0, 0, 0, 0", "reboot", "", "EPERM"),
    ("105, 0", "setuid", "0", "EPERM"),
    ("106, 0", "setgid", "0", "EPERM"),
    ("117, 0, -1, 5", "setresuid", "0 -1 5", "EPERM"),
    ("133, b'/tmp/null', 0o20600, 0x103", "mknod", "character device /tmp/null mode 0600", "EPERM"),
    ("90, b'/tmp/x', 0o4755", "chmod", "/tmp/x mode 4755", "EPERM"),
    ("135, 0x40000", "personality", "0x40000", "EPERM"),
    ("16, 0, 0x5412, b'x'", "ioctl", "TIOCSTI", "EPERM"),
    ("302, 1, 7, 0, 0", "prlimit64", "pid 1", "EPERM"),
    ("304, 0, 0, 0", "open_by_handle_at", "", "EPERM"),
    ("167, b'/swap', 0", "swapon", "/swap", "EPERM"),
    ("170, b'name', 4", "sethostname", "name", "EPERM"),
    ("103, 3, 0, 0", "syslog", "3", "EPERM"),
]


class DenialCase(Case):
    def python(self, text, *options, **more):
        return self.program("main.py", HEAD + text, *options, **more)

    def denied(self, outcome):
        return {(row["call"], row["detail"]): row["count"] for row in outcome["denials"]}

    def config(self, text):
        return ("--config", str(self.write("config.toml", text)))


class Families(DenialCase):
    def test_each_shows_up_once_with_its_detail_and_its_errno(self):
        outcome = self.python("".join(f"print(call({arguments}))\n" for arguments, *_ in FAMILIES))
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertEqual(outcome["stdout"].split(), [errno for *_, errno in FAMILIES])
        found = [(row["call"], row["detail"], row["errno"], row["count"]) for row in outcome["denials"]]
        self.assertEqual(found, [(call, detail, errno, 1) for _, call, detail, errno in FAMILIES])
        self.assertNotIn("denials_missing", outcome)

    def test_peers_of_calls_that_the_user_denies(self):
        outcome = self.python(
            "import time\n"
            "def attempt(f, *a):\n"
            "    try: f(*a); print('ok')\n"
            "    except OSError as e: print(errno.errorcode[e.errno])\n"
            "tcp = socket.socket(); udp = socket.socket(type=socket.SOCK_DGRAM)\n"
            "six = socket.socket(socket.AF_INET6); local = socket.socket(socket.AF_UNIX)\n"
            "for i in range(3): attempt(tcp.connect, ('1.1.1.1', 443))\n"
            "attempt(udp.connect, ('8.8.8.8', 53))\n"
            "attempt(six.connect, ('::1', 80))\n"
            "attempt(local.connect, '/run/sock')\n"
            "attempt(local.connect, '\\0name')\n"
            "attempt(tcp.bind, ('0.0.0.0', 8080))\n",
            *self.config('[security]\ndeny_syscalls = ["connect", "bind"]\n'))
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout="EPERM\n" * 8)
        self.assertEqual(self.denied(outcome), {("connect", "1.1.1.1:443 (tcp)"): 3, ("connect", "8.8.8.8:53 (udp)"): 1,
                                                ("connect", "[::1]:80 (tcp)"): 1, ("connect", "unix /run/sock"): 1,
                                                ("connect", "unix @name"): 1, ("bind", "0.0.0.0:8080 (tcp)"): 1})
        self.assertEqual({row["hint"] for row in outcome["denials"]},
                         {'security.deny_syscalls without "connect"', 'security.deny_syscalls without "bind"'})

    REACH = ("import time\n"
             "def attempt(f, *a):\n"
             "    try: print('ok', f(*a))\n"
             "    except OSError as e: print(errno.errorcode[e.errno])\n"
             "tcp = socket.socket(); udp = socket.socket(type=socket.SOCK_DGRAM)\n"
             "for i in range(3): attempt(tcp.connect, ('1.1.1.1', 443))\n"
             "attempt(udp.sendto, b'x', ('8.8.8.8', 53))\n"
             "attempt(socket.socket(socket.AF_UNIX).connect, '/run/nothing')\n"
             "a, b = socket.socketpair(); attempt(a.send, b'x')\n"
             "local = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); local.bind('/tmp/here')\n"
             "attempt(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto, b'xy', '/tmp/here')\n")

    def test_networks_that_a_run_without_one_can_not_reach(self):
        outcome = self.python(self.REACH)
        self.assert_outcome(outcome, status="exited", exit_code=0)
        tcp, udp, *local = outcome["stdout"].split("\n")[2:7]
        self.assertEqual(local, ["ENOENT", "ok 1", "ok 2"])
        found = {(row["call"], row["detail"]): (row["errno"], row["count"], row["hint"]) for row in outcome["denials"]}
        self.assertEqual(found, {("connect", "1.1.1.1:443 (tcp)"): (tcp, 3, "--net 1.1.1.1:443"),
                                 ("sendto", "8.8.8.8:53 (udp)"): (udp, 1, "--net host")})
        self.assertIn(tcp, ("EACCES", "ENETUNREACH"))
        self.assertEqual(udp, "ENETUNREACH")

    LISTEN = ("def attempt(f, *a):\n"
              "    try: f(*a); print('ok')\n"
              "    except OSError as e: print(errno.errorcode[e.errno])\n"
              "def tcp(family=socket.AF_INET): return socket.socket(family)\n"
              "def udp(): return socket.socket(type=socket.SOCK_DGRAM)\n"
              "for i in range(2): attempt(tcp().bind, ('127.0.0.1', 8080))\n"
              "attempt(tcp(socket.AF_INET6).bind, ('::', 0))\n"
              "attempt(udp().bind, ('0.0.0.0', 5353))\n"
              "attempt(udp().bind, ('0.0.0.0', 53))\n"
              "attempt(socket.socket(socket.AF_UNIX).bind, '/tmp/here')\n"
              "attempt(socket.socket(socket.AF_UNIX).bind, '\\0here')\n"
              "attempt(tcp().bind, ('127.0.0.1', 80))\n")

    def test_listening_in_a_run_without_a_network(self):
        outcome = self.python(self.LISTEN)
        self.assert_outcome(outcome, status="exited", exit_code=0)
        said = outcome["stdout"].split()
        told = {row["detail"]: (row["call"], row["errno"], row["count"], row["hint"]) for row in outcome["denials"]}
        expected = {"0.0.0.0:53 (udp)": ("bind", "EACCES", 1, ""), "127.0.0.1:80 (tcp)": ("bind", "EACCES", 1, "")}
        if said[0] == "EACCES":  # Landlock from ABI 4 on
            expected |= {"127.0.0.1:8080 (tcp)": ("bind", "EACCES", 2, "--net loopback"), "[::]:0 (tcp)": ("bind", "EACCES", 1, "--net loopback")}
        self.assertEqual(said, [*[said[0]] * 3, "ok", "EACCES", "ok", "ok", "EACCES"])
        self.assertEqual(told, expected)
        # What the hint names lets it through.
        outcome = self.python(self.LISTEN, "--net", "loopback")
        self.assertEqual(outcome["stdout"].split()[:2], ["ok", "ok"])

    def test_nothing_is_observed_where_there_is_a_network(self):
        reach_itself = ("tcp = socket.socket(); tcp.bind(('127.0.0.1', 0)); tcp.listen()\n"
                        "socket.socket().connect(tcp.getsockname()); print('reached')\n")
        outcome = self.python(reach_itself, "--net", "loopback")
        self.assert_outcome(outcome, status="exited", stdout="reached\n", denials=[])

    def test_without_a_report_the_same_errnos(self):
        heard, silent = self.python(self.REACH), self.python(self.REACH, "--no-denials")
        self.assertEqual(heard["stdout"], silent["stdout"])
        self.assertEqual(silent["denials"], [])

    def test_threads_and_child_processes_are_heard_as_well(self):
        outcome = self.python(
            "import threading\n"
            "udp = socket.socket(type=socket.SOCK_DGRAM)\n"
            "def some():\n"
            "    for i in range(50): call(161, b'/a')\n"
            "    try: udp.connect(('9.9.9.9', 9))\n"
            "    except OSError: pass\n"
            "threads = [threading.Thread(target=some) for i in range(4)]\n"
            "for t in threads: t.start()\n"
            "for t in threads: t.join()\n"
            "for i in range(3):\n"
            "    if os.fork() == 0: some(); os._exit(0)\n"
            "for i in range(3): os.wait()\n", *self.config('[security]\ndeny_syscalls = ["connect"]\n'))
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertEqual(self.denied(outcome), {("chroot", "/a"): 350, ("connect", "9.9.9.9:9 (udp)"): 7})


class Hints(DenialCase):
    def test_what_a_hint_names_lets_the_call_through(self):
        for arguments, setting in (("101, 0, 0, 0, 0", 'security.allow_syscalls = ["ptrace"]'),
                                   ("135, 0x40000", 'security.allow_syscalls = ["personality"]'),
                                   ("10, 0, 0, 4", 'security.profile = "jit"')):
            with self.subTest(setting):
                before = self.python(f"print(call({arguments}))\n")
                self.assertEqual([row["hint"] for row in before["denials"]], [setting])
                after = self.python(f"print(call({arguments}))\n", *self.config(setting + "\n"))
                self.assert_outcome(after, denials=[])
                self.assertNotIn(before["denials"][0]["errno"], after["stdout"])

    def test_there_is_none_where_a_capability_is_missing(self):
        outcome = self.python("call(165, b'a', b'/mnt', b'tmpfs', 0, 0); call(105, 0); call(41, 17, 3, 0)")
        self.assertEqual([row["hint"] for row in outcome["denials"]], ["", "", ""])


class Reporting(DenialCase):
    def test_a_program_without_denials_has_none(self):
        outcome = self.python("print('fine')")
        self.assert_outcome(outcome, status="exited", stdout="fine\n", denials=[], limits_reached=[])
        self.assertNotIn("denials_missing", outcome)

    def test_it_can_be_switched_off_and_errnos_stay(self):
        text = "".join(f"print(call({arguments}))\n" for arguments, *_ in FAMILIES)
        for options in (["--no-denials"], self.config("[security]\nreport_denials = false\n")):
            outcome = self.python(text, *options)
            self.assertEqual(outcome["stdout"].split(), [errno for *_, errno in FAMILIES])
            self.assert_outcome(outcome, denials=[], denials_missing="switched off")

    def test_a_project_file_that_was_found_can_not_switch_it_off(self):
        self.write("sandbox.toml", "[security]\nreport_denials = false\n")
        outcome = self.python("call(161, b'/a')")
        self.assertEqual(self.denied(outcome), {("chroot", "/a"): 1})

    def test_without_a_way_to_hand_the_listener_over_the_run_is_as_before(self):
        outcome = self.python("print(call(161, b'/a'))", *self.config('[security]\ndeny_syscalls = ["sendmsg"]\n'))
        self.assert_outcome(outcome, status="exited", stdout="EPERM\n", denials=[])
        self.assertIn("sendmsg", outcome["denials_missing"])

    def test_descriptors_in_flight_of_the_same_user(self):
        """Beyond its sender's RLIMIT_NOFILE all of a user's processes count (unix(7)): a run's own limit is lower than ours."""
        near, far = socket.socketpair()
        with near, far, open(os.devnull, "rb") as null:
            for _ in range(3):
                socket.send_fds(near, [b"x"], [null.fileno()] * 200)
            outcome = self.python("import resource\nprint(call(161, b'/a'), resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 600)")
        self.assert_outcome(outcome, status="exited", stdout="EPERM True\n")
        self.assertEqual(self.denied(outcome), {("chroot", "/a"): 1})

    @unittest.skipIf(WARM, "the listener is around the launcher's whole life")
    def test_inside_another_listener_the_run_is_as_before(self):
        """The kernel has room for one listener above a process (EBUSY): a sandbox around this one may hold it."""
        self.write("main.py", HEAD + "print(call(161, b'/a'), call(425, 8, 0))")
        self.write("outer.py", HEAD +
                   "allow = struct.pack('HBBI', 6, 0, 0, 0x7fff0000)\n"
                   "keep = ctypes.create_string_buffer(allow, 8)\n"
                   "program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 1, ctypes.addressof(keep)), 16)\n"
                   "libc.prctl(38, 1, 0, 0, 0)\n"
                   "listener = libc.syscall(317, 1, 8, program)\n"
                   "assert listener >= 0, ctypes.get_errno()\n"
                   "os.set_inheritable(listener, True)\n"
                   "os.execv(sys.argv[1], sys.argv[1:])\n")
        done = subprocess.run([sys.executable, "outer.py", sandpit_path(), "run", "--json", "main.py"], cwd=self.dir, env=self.env,
                              capture_output=True, timeout=PATIENCE, check=False)
        outcome = json.loads(done.stdout)
        self.assert_outcome(outcome, status="exited", stdout="EPERM ENOSYS\n", denials=[])
        self.assertIn("busy", outcome["denials_missing"])

    @unittest.skipIf(WARM, "the command line starts cold")
    def test_lines_after_the_output(self):
        self.write("main.py", HEAD + "for i in range(3): call(101, 16, 1, 0, 0)\ncall(161, b'/a\\033[2J\\n')\nprint('done')")
        done = self.sandpit("run", "main.py")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout, b"done\n")
        lines = [line for line in done.stderr.decode().splitlines() if "denied" in line]
        self.assertEqual(lines, [
            'sandpit: denied 3x: ptrace PTRACE_ATTACH pid 1; allow with security.allow_syscalls = ["ptrace"]',
            "sandpit: denied: chroot /a\\x1b[2J\\n"])
        self.assertEqual(self.sandpit("run", "--quiet", "main.py").stderr, b"")
        self.assertNotIn(b"denied", self.sandpit("run", "--no-denials", "main.py").stderr)

    @unittest.skipIf(WARM, "the command line starts cold")
    def test_colour_on_a_terminal_only(self):
        self.write("main.py", HEAD + "call(161, b'/a')")
        for environment, coloured in ((self.env, True), ({**self.env, "NO_COLOR": "1"}, False)):
            outer, inner = os.openpty()
            with os.fdopen(inner, "wb") as terminal:
                self.sandpit("run", "main.py", stderr=terminal, env=environment)
            seen = os.read(outer, 4096)
            os.close(outer)
            self.assertIn(b"denied: chroot /a", seen)
            self.assertEqual(b"\033[33msandpit:\033[0m" in seen, coloured, seen)


class Many(DenialCase):
    def test_a_hundred_thousand_are_counted_and_cost_no_memory(self):
        quiet = self.python("print(call(39))", "--timeout", "60")
        self.assert_outcome(quiet, denials=[])
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        outcome = self.python("failed = sum(call(161, b'/a') == 'EPERM' for i in range(100000))\nprint(failed)\n",
                              "--timeout", seconds(60), "--cpu-time", seconds(60))
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assert_outcome(outcome, status="exited", stdout="100000\n")
        self.assertEqual(self.denied(outcome), {("chroot", "/a"): 100000})
        self.assertLess(after - before, 4096, "KiB")

    def test_different_ones_beyond_the_room_are_counted_together(self):
        outcome = self.python("for i in range(1000): call(161, b'/%d' % i)\nfor i in range(5): call(161, b'/0')\n")
        self.assertEqual(len(outcome["denials"]), 64)
        self.assertEqual(outcome["denials_unlisted"], 1000 - 64)
        self.assertEqual(outcome["denials"][0]["count"], 6)

    @unittest.skipIf(WARM, "a batch of its own")
    def test_a_sibling_is_not_starved(self):
        endless = HEAD + "import threading\ndef f():\n  while True: call(161, b'/a')\n" \
                         "for i in range(3): threading.Thread(target=f, daemon=True).start()\nf()\n"
        tasks = [{"id": "endless", "runtime": "python", "source": endless,
                  "limits": {"timeout_s": 6 * SLOWNESS, "cpu_time_limit_s": 6 * SLOWNESS}},
                 *({"id": f"short{i}", "runtime": "python", "source": "print(1)"} for i in range(8))]
        self.write("tasks.jsonl", "".join(json.dumps(task) + "\n" for task in tasks))
        done = self.sandpit("batch", "--quiet", "--cold", "-j", "2", "tasks.jsonl")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        ends = {line["id"]: (line["status"], line["stdout"]) for line in lines}
        self.assertIn(ends.pop("endless"), [("cpu_time_exceeded", ""), ("wall_time_exceeded", "")])
        self.assertEqual(ends, {f"short{i}": ("exited", "1\n") for i in range(8)}, done.stderr)
        # In the order of their ends: all short ones before the one that goes on until it is stopped.
        self.assertEqual(lines[-1]["id"], "endless", [line["id"] for line in lines])


class Hostile(DenialCase):
    def test_an_address_that_changes_while_it_is_read_lets_nothing_through(self):
        outcome = self.python(
            "import threading\n"
            "good = struct.pack('<H', socket.AF_UNIX) + b'/tmp/s\\0'.ljust(108, b'\\0')\n"
            "bad = struct.pack('<H', socket.AF_INET) + struct.pack('>H4s8x', 443, b'\\1\\1\\1\\1')\n"
            "buffer = ctypes.create_string_buffer(good, 110)\n"
            "server = socket.socket(socket.AF_UNIX); server.bind('/tmp/s'); server.listen(100)\n"
            "stop = False\n"
            "def change():\n"
            "    while not stop:\n"
            "        ctypes.memmove(buffer, bad, len(bad)); ctypes.memmove(buffer, good, len(good))\n"
            "threads = [threading.Thread(target=change) for i in range(2)]\n"
            "for t in threads: t.start()\n"
            "client = socket.socket(socket.AF_UNIX)\n"
            "answers = {call(42, client.fileno(), buffer, 110) for i in range(3000)}\n"
            "stop = True\n"
            "print(sorted(answers))\n", "--timeout", seconds(40), "--cpu-time", seconds(40), "--processes", "16",
            *self.config('[security]\ndeny_syscalls = ["connect"]\n'))
        self.assert_outcome(outcome, status="exited", stdout="['EPERM']\n")
        self.assertEqual(sum(self.denied(outcome).values()) + outcome.get("denials_unlisted", 0), 3000)

    def test_memory_that_is_not_there_or_ends_early(self):
        outcome = self.python(
            "import mmap\n"
            "for address in (0, 1, 8, 4096, -1, -4096, 1 << 47, (1 << 63) - 1):\n"
            "    print(call(161, address), call(42, 3, address, 16), call(42, 3, address, -1), call(46, 3, address, 0))\n"
            "libc.mmap.restype = ctypes.c_long\n"
            "libc.mmap.argtypes = [ctypes.c_long, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]\n"
            "page = libc.mmap(0, 8192, 3, 0x22, -1, 0)\n"
            "libc.munmap(ctypes.c_long(page + 4096), ctypes.c_size_t(4096))\n"
            "ctypes.memmove(page + 4093, b'/ab', 3)\n"
            "print(call(161, page + 4093))\n", *self.config('[security]\ndeny_syscalls = ["connect"]\n'))
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertEqual(set(outcome["stdout"].split()) - {"EBADF", "ENOTSOCK", "EFAULT"}, {"EPERM"})
        self.assertEqual(self.denied(outcome)[("chroot", "/ab")], 1)

    def test_nothing_is_read_of_a_program_that_may_stop_page_faults(self):
        outcome = self.python("print(call(161, b'/a'))", *self.config('[security]\nallow_syscalls = ["userfaultfd"]\n'))
        self.assert_outcome(outcome, status="exited", stdout="EPERM\n")
        self.assertEqual(self.denied(outcome), {("chroot", ""): 1})

    def test_names_are_escaped_and_cut(self):
        outcome = self.python("call(161, b'/\\033[31m\\n\\xff')\ncall(161, b'/' + b'x' * 4000)\n")
        details = [row["detail"] for row in outcome["denials"]]
        self.assertEqual(details[0], "/\\x1b[31m\\n\\xff")
        self.assertEqual(len(details[1]), 256)
        self.assertTrue(details[1].endswith("..."))

    def test_processes_that_are_killed_while_they_wait(self):
        outcome = self.python(
            "import random, signal, time\n"
            "for round in range(60):\n"
            "    children = []\n"
            "    for i in range(4):\n"
            "        pid = os.fork()\n"
            "        if pid == 0:\n"
            "            while True: call(161, b'/a')\n"
            "        children.append(pid)\n"
            "    time.sleep(random.random() / 100)\n"
            "    for pid in children: os.kill(pid, signal.SIGKILL)\n"
            "    for pid in children: os.waitpid(pid, 0)\n"
            "print(call(161, b'/b'))\n", "--timeout", seconds(40), "--cpu-time", seconds(40))
        self.assert_outcome(outcome, status="exited", stdout="EPERM\n")
        self.assertEqual(self.denied(outcome)[("chroot", "/b")], 1)

    def test_a_run_that_ends_in_the_middle(self):
        outcome = self.python("import threading\ndef f():\n  while True: call(161, b'/a')\n"
                              "for i in range(3): threading.Thread(target=f, daemon=True).start()\nf()\n", "--timeout", seconds(1))
        self.assertIn(outcome["status"], ("wall_time_exceeded", "cpu_time_exceeded"))
        self.assertGreater(self.denied(outcome)[("chroot", "/a")], 0)

    def test_signals_make_no_denial_count_twice(self):
        """A handler that restarts calls is not noticed; one that does not may interrupt a call before it was heard of."""
        period, count = 0.0005 * SLOWNESS, int(20000 / SLOWNESS)
        for restart, possible in ((True, {"EPERM"}), (False, {"EPERM", "EINTR"})):
            outcome = self.python("import collections, signal\n"
                                  "seen = 0\n"
                                  "def on(*_):\n    global seen; seen += 1\n"
                                  "signal.signal(signal.SIGALRM, on)\n"
                                  f"signal.siginterrupt(signal.SIGALRM, {not restart})\n"
                                  f"signal.setitimer(signal.ITIMER_REAL, {period}, {period})\n"
                                  f"answers = collections.Counter(call(161, b'/a') for i in range({count}))\n"
                                  "signal.setitimer(signal.ITIMER_REAL, 0)\n"
                                  "print(answers['EPERM'], ' '.join(answers), seen > 0)\n",
                                  "--timeout", seconds(40), "--cpu-time", seconds(40))
            self.assert_outcome(outcome, status="exited", exit_code=0)
            denied, *answers, seen = outcome["stdout"].split()
            self.assertEqual((set(answers) - possible, seen), (set(), "True"))
            self.assertEqual(self.denied(outcome), {("chroot", "/a"): int(denied)})

    def test_a_listener_of_its_own_is_not_to_be_had(self):
        """seccomp(SET_MODE_FILTER, NEW_LISTENER), and the one that is there is not among the program's descriptors."""
        outcome = self.python("print(call(317, 1, 8, 0))\n"
                              "for name in os.listdir('/proc/self/fd'):\n"
                              "    try: print(os.readlink('/proc/self/fd/' + name))\n"
                              "    except OSError: pass\n")
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertTrue(outcome["stdout"].startswith("ENOSYS\n"))
        self.assertNotIn("seccomp", outcome["stdout"])

    @unittest.skipIf(WARM, "kills sandpit itself")
    def test_without_a_supervisor_denied_stays_denied(self):
        """sandpit is killed: its run ends with it. Nothing that was denied may have happened meanwhile."""
        marker = self.dir / "granted"
        marker.mkdir()
        marker.chmod(0o777)
        self.write("main.py", HEAD + "while True:\n    if call(161, b'/') == 'ok': open('/granted/through', 'w')\n")
        run = subprocess.Popen([sandpit_path(), "run", "--write", f"{marker}:/granted", "main.py"], cwd=self.dir, env=self.env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1 * SLOWNESS)
        run.kill()
        run.wait(PATIENCE)
        time.sleep(0.3)
        self.assertEqual(list(marker.iterdir()), [])
        self.python("")  # takes the slot of the one that was killed, and removes what that left


class Limits(DenialCase):
    def limits(self, outcome):
        return {row["limit"]: row for row in outcome["limits_reached"]}

    def test_processes(self):
        outcome = self.python("refused = 0\n"
                              "for i in range(20):\n"
                              "    try:\n"
                              "        if os.fork() == 0: import time; time.sleep(5); os._exit(0)\n"
                              "    except OSError: refused += 1\n"
                              "print(refused > 0)\n", "--processes", "4")
        self.assert_outcome(outcome, status="exited", stdout="True\n")
        if outcome["enforcement"]["processes"].startswith("cgroup"):
            self.assertGreater(self.limits(outcome)["processes"]["count"], 0)
            self.assertEqual(self.limits(outcome)["processes"]["hint"], "--processes")

    def test_disk(self):
        outcome = self.python("try:\n    open('big', 'wb').write(b'x' * (8 << 20))\nexcept OSError as e: print(e.errno)\n",
                              "--disk", "4", "--file-size", "4")
        self.assertIn("disk", self.limits(outcome), outcome)

    def test_inodes(self):
        self.write("few.toml", "[resource_limits]\nmax_inodes = 50\n")
        outcome = self.python("try:\n    for i in range(99): open(str(i), 'w').close()\nexcept OSError as e: print(e.errno)\n",
                              "--config", "few.toml")
        self.assertEqual(self.limits(outcome)["inodes"]["hint"], "max_inodes in [resource_limits]", outcome)
        self.assertNotIn("disk", self.limits(outcome))

    def test_output_and_memory_and_time(self):
        outcome = self.python("print('x' * 100000)", "--output-limit", "1KiB")
        self.assertEqual(self.limits(outcome)["output"]["hint"], "--output-limit")
        outcome = self.python("while True: pass", "--timeout", "0.5")
        self.assertEqual(list(self.limits(outcome)), ["wall_time"])
        outcome = self.python("x = bytearray(1 << 30)", "--memory", "64")
        if outcome["status"] == "memory_exceeded":
            self.assertEqual(list(self.limits(outcome)), ["memory"])


if __name__ == "__main__":
    sandpit_tests.main()
