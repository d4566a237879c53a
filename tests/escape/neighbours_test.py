"""Two runs at the same time."""

import os
import pathlib
import socket
import subprocess
import sys

from escape_case import Escape, finding
from sandpit_tests import PATIENCE, sandpit_path


class Neighbours(Escape):
    """Two runs at the same time."""

    def maker(self):
        process = subprocess.Popen([sandpit_path(), "run", "--quiet", "--timeout", "100", "--", self.prepared("shared_ids.py"), "make"],
                                   cwd=self.dir, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        self.assertRegex(process.stdout.readline(), rb"^uid \d+ made\n$")
        return process

    def test_they_share_no_socket_segment_file_or_process(self):
        self.maker()
        self.assert_contained("shared_ids.py", "find")
        if os.geteuid() != 0:
            return
        outside = subprocess.Popen([sys.executable, str(self.dir / "shared_ids.py"), "make"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            outside.stdout.readline()
            self.assert_real("shared_ids.py", "find")
        finally:
            outside.communicate()

    def test_they_have_different_ids_of_the_host(self):
        if os.geteuid() != 0:
            self.skipTest("root: an ordinary user's runs share that user's id")
        self.write("p.py", "import sys; print('ready', flush=True); sys.stdin.read()")
        runs, ids = [], set()
        for _ in range(3):
            run = subprocess.Popen([sandpit_path(), "run", "--quiet", "--timeout", "100", "p.py"], cwd=self.dir, env=self.env,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.addCleanup(run.communicate)
            self.assertEqual(run.stdout.readline(), b"ready\n")
            runs.append(run)
        for run in runs:
            ids |= descendants_ids(run.pid)
        ids.discard((0, 0))
        self.assertEqual(len(ids), 3, ids)
        for uid, gid in ids:
            self.assertGreaterEqual(min(uid, gid), 0x70000000)

class Channels(Escape):
    """Ways for two runs at once to speak to each other: one sends, the other looks."""

    def received(self, name, *arguments, options=()):
        """The receiver's verdict; None as `options`: both outside of the jail."""
        sender = self.background(name, "send", *arguments, options=options)
        self.assertNotEqual(sender.stdout.readline(), b"")
        if options is None:
            said = subprocess.run(self.outside_command(name, "receive", *arguments), cwd=self.dir, env=self.env, stdout=subprocess.PIPE,
                                  timeout=PATIENCE, check=False).stdout.decode()
        else:
            outcome = self.outcome(self.prepared(name), *options, arguments=["receive", *map(str, arguments)])
            self.assertEqual(outcome["status"], "exited", outcome)
            said = outcome["stdout"]
        sender.stdin.close()
        sender.wait(PATIENCE)
        return said

    def assert_closed(self, name, *arguments, options=()):
        self.assertEqual(self.verdict(self.received(name, *arguments, options=None)), "ESCAPED", "not a real channel")
        self.assert_verdict(self.received(name, *arguments, options=options))

    def test_key_rings(self):
        self.assert_closed("channel_keyring.c")

    def test_watches(self):
        self.assert_closed("channel_inotify.py")

    def test_posix_message_queues(self):
        self.assert_closed("channel_message_queue.c")

    def test_system_v_queues_and_semaphores(self):
        self.assert_closed("channel_system_v_queue.c")

    def test_a_port_of_the_private_loopback(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.assert_closed("channel_loopback.py", port, options=["--net", "loopback"])

    @finding("known (SECURITY.md, residual risks): locks on shared files of /usr are seen by every run")
    def test_locks_on_files_of_usr(self):
        self.assert_closed("channel_flock.py")

    @finding("known (SECURITY.md, residual risks): locks on shared files of /usr are seen by every run")
    def test_locks_on_bytes_of_usr(self):
        self.assert_closed("channel_record_lock.py")

    def test_notes_on_files_of_usr(self):
        if os.geteuid() == 0:
            self.assert_closed("channel_write_hint.py")
        else:
            self.assert_verdict(self.received("channel_write_hint.py"))

    @finding("/proc/self/net/sockstat counts the sockets of the whole machine")
    def test_counts_of_sockets(self):
        words = pathlib.Path("/proc/net/sockstat").read_text().split()
        self.assert_closed("channel_socket_counts.py", words[words.index("alloc") + 1], options=["--open-files", "400"])

    def test_times_of_access(self):
        path = self.write("shared/file", "x")
        os.utime(path, (0, 1))
        self.assertEqual(self.verdict(self.received("channel_access_time.py", path, options=None)), "ESCAPED", "not a real channel")
        os.utime(path, (0, 1))
        self.assert_verdict(self.received("channel_access_time.py", "/in/file", options=["--read", "shared:/in"]))


def descendants_ids(pid):
    """(uid, gid) of all processes below `pid`."""
    found = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split():
            status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{child}/status").read_text().splitlines() if ":\t" in line)
            found.add((int(status["Uid"].split()[1]), int(status["Gid"].split()[1])))
            found |= descendants_ids(child)
    return found
