"""Files, descriptors and facts of the host, by roundabout ways."""

import contextlib
import json
import os
import socket
import subprocess
import threading
import uuid

from escape_case import Escape, finding
from sandpit_tests import PATIENCE, WARM


class FileTricks(Escape):
    def test_magic_links(self):
        mark = self.write("mark", "sandpit-mark")
        self.assert_contained("follow_magic_links.py", mark)
        # Outside among processes of its own: those of the machine are none of a test's business.
        self.assert_real("follow_magic_links.py", mark, within=["unshare", "--mount", "--pid", "--fork", "--mount-proc"])

    def test_climbing_from_descriptors(self):
        mark = self.write("mark", "host")
        self.assert_attempt("climb_by_descriptor.sh", mark, within=["sh", "-c", 'exec 7</tmp; exec "$@"', "sh"])

    def test_a_directory_that_is_moved_away_under_the_program(self):
        for outside in (False, True):
            (self.dir / "grant/moving").mkdir(parents=True)
            (self.dir / "elsewhere").mkdir()
            self.write("elsewhere/secret", "hidden")
            run = self.background("follow_moved_directory.py", self.dir / "grant" if outside else "/in", "secret",
                                  options=None if outside else ["--read", "grant:/in"])
            self.assertEqual(run.stdout.readline(), b"standing\n")
            (self.dir / "grant/moving").rename(self.dir / "elsewhere/moving")
            said = run.communicate(b"moved\n", timeout=PATIENCE)[0].decode()
            self.assertEqual(self.verdict(said), "ESCAPED" if outside else "CONTAINED", said)
            subprocess.run(["rm", "-r", self.dir / "grant", self.dir / "elsewhere"], check=True)

    def test_a_descriptor_sent_by_a_process_of_the_host(self):
        secret = self.write("secret", "hidden")
        path = str(self.dir / "socket")
        with socket.socket(socket.AF_UNIX) as server, open(secret, "rb") as file:
            server.bind(path)
            server.listen()

            def serve():
                with contextlib.suppress(OSError):
                    while True:
                        with server.accept()[0] as peer:
                            socket.send_fds(peer, [b"x"], [file.fileno()])
            threading.Thread(target=serve, daemon=True).start()
            self.assert_attempt("receive_descriptor.py", path)
            server.shutdown(socket.SHUT_RDWR)

    def test_an_immutable_file(self):
        (self.dir / "grant").mkdir()
        self.assert_contained("immutable_file.c", "/in", options=["--write", "grant:/in"])
        self.assert_real("immutable_file.c", self.dir / "grant")

    def lease(self, place, *, kind, options):
        """Whether a program could take a lease on the file at `place`, with which it stops whoever opens the file."""
        run = self.background("lease_on_file.c", place, kind, options=options)
        said = run.stdout.readline() + run.stdout.readline()
        run.kill()
        self.assertIn(said.splitlines()[-1:], ([b"taken"], [b"denied"]), said)
        return b"taken" in said

    def leased(self, mode):
        self.write("grant/file", "x", 0o666)
        (self.dir / "grant").chmod(0o777)
        self.assertTrue(self.lease(self.dir / "grant/file", kind="w", options=None))
        if self.program("whose.sh", "[ -O /in/file ] && echo mine", mode, "grant:/in")["stdout"] != "mine\n":
            self.skipTest("a grant whose files belong to the run (as root: idmapped mounts of the file system of /tmp)")
        return self.lease("/in/file", kind="r" if mode == "--read" else "w", options=[mode, "grant:/in"])

    def test_a_lease_on_a_file_of_a_read_only_grant(self):
        self.assert_held(not self.leased("--read"), "it has a lease")

    def test_a_lease_on_a_file_of_a_writable_grant(self):
        self.assert_held(not self.leased("--write"), "it has a lease")


class HostSteps(Escape):
    """What Sandpit itself does on the host, among things that a program has laid there."""

    def setUp(self):
        super().setUp()
        (self.dir / "grant").mkdir()
        self.victim = self.write("victim/file", "untouched")
        self.write("true.sh", "")
        self.outcome("true.sh", "--write", "grant:/in")  # skips where there is no such grant

    @finding("the source is a link that a run with a write grant laid there; the next run reads what it leads to")
    def test_a_source_replaced_by_a_link_shows_nothing_that_the_run_may_not_see(self):
        self.write("grant/again.py", "pass")
        outcome = self.outcome(self.prepared("replace_source_by_link.py"), "--write", "grant:/in", arguments=["/in", str(self.victim)])
        self.assert_outcome(outcome, status="exited", stdout="replaced\n")
        self.assertEqual(os.readlink(self.dir / "grant/again.py"), str(self.victim))
        (self.dir / "outside").mkdir()
        self.write("outside/again.py", "pass")
        subprocess.run(self.outside_command("replace_source_by_link.py", self.dir / "outside", self.victim), check=True, stdout=subprocess.DEVNULL)
        self.assertEqual((self.dir / "outside/again.py").read_text(), "untouched")
        outcome = self.outcome("grant/again.py")
        self.assert_held("untouched" not in outcome["stderr"], outcome["stderr"])

    def swapped(self, destination):
        """What is in the victim's directory after runs whose output goes to `destination` while another run swaps grant/out."""
        self.write("maker.sh", "for i in 1 2 3 4 5 6 7 8; do mkdir d$i; echo x > d$i/f; echo x > f$i; done")
        return self.while_swapping(lambda number: self.sandpit("run", "--quiet", "--out", destination.format(number), "maker.sh"))

    def while_swapping(self, run):
        swapper = self.background("swap_output_directory.py", "/in", self.dir / "victim", options=["--write", "grant:/in", "--cpu-time", "90"])
        self.assertEqual(swapper.stdout.readline(), b"swapping\n")
        for number in range(20):
            run(number)
        swapper.stdin.close()
        swapper.wait(PATIENCE)
        self.assertEqual(self.victim.read_text(), "untouched")
        return sorted(os.listdir(self.dir / "victim"))

    def planted(self):
        outcome = self.outcome(self.prepared("plant_links_for_output.py"), "--write", "grant:/in", arguments=["/in", str(self.victim)])
        self.assert_outcome(outcome, status="exited", stdout="planted\n")
        self.assertTrue((self.dir / "grant/directory").is_symlink())

    def assert_refused(self, destination):
        """Before anything ran: its results would have no place to go."""
        done = self.run_json("--out", destination, "--", str(self.prepared("leave_result.py")))
        if WARM:  # the library has an Error for it
            self.assertIn(b"symbolic link", done.stderr)
            return
        outcome = json.loads(done.stdout)
        self.assertEqual(outcome["status"], "refused", outcome)
        self.assertIn("symbolic link", outcome["message"])

    def test_an_output_directory_that_is_a_link(self):
        self.planted()
        self.assert_refused("grant/directory")
        self.assert_held(os.listdir(self.dir / "victim") == ["file"], os.listdir(self.dir / "victim"))
        self.assert_held(self.swapped("grant/out") == ["file"], "while it was swapped")

    def test_an_output_directory_below_a_link(self):
        self.planted()
        self.assert_refused("grant/directory/new")
        self.assert_held(os.listdir(self.dir / "victim") == ["file"], os.listdir(self.dir / "victim"))
        self.assert_held(self.swapped("grant/out/{}") == ["file"], "while it was swapped")

    def test_links_laid_where_output_goes(self):
        """CVE-2024-28185 and CVE-2024-28189 (Judge0): the runner wrote through such a link, and gave what it led to away."""
        os.chmod(self.victim, 0o644)
        if os.geteuid() == 0:
            os.chown(self.victim, 12345, 12345)
        owner = self.victim.stat().st_uid
        self.planted()
        self.outcome(self.prepared("leave_result.py"), "--out", "grant")
        self.assertEqual((self.victim.read_text(), self.victim.stat().st_uid), ("untouched", owner))
        # A program that copies carelessly writes through the same links.
        (self.dir / "grant/again").symlink_to(self.victim)
        (self.dir / "grant/again").write_text("overwritten")
        self.assertEqual(self.victim.read_text(), "overwritten")

    def test_a_temporary_directory_that_is_swapped(self):
        """A text too large for memory goes to a file without a name."""
        text = b"print('ran')\n#" + b"x" * (9 << 20)
        config = str(self.write("config.toml", '[general]\ntmp_dir = "%s"\n' % (self.dir / "grant/out")))

        def run(_):
            done = self.sandpit("run", "--quiet", "--lint", "off", "--config", config, "--runtime", "python", "-", stdin=text)
            self.assertIn(done.stdout, (b"ran\n", b""), done.stderr)
            ran.append(done.stdout)
        ran = []
        self.assert_held(self.while_swapping(run) == ["file"], "while it was swapped")
        self.assertIn(b"ran\n", ran)
        [place] = [entry for entry in os.scandir(self.dir / "grant") if entry.is_dir(follow_symlinks=False)]
        self.assertEqual(os.listdir(place), [])

    def test_a_link_laid_where_the_outcome_goes(self):
        """As CVE-2024-28185, while the run is on and before the next one."""
        outcome = self.prepared("plant_links_for_output.py")
        for number, (exit, text) in enumerate(((0, "planted"), (2, ""))):
            with self.subTest(run=number):
                done = self.sandpit("run", "--write", "grant:/in", "--json-file", "grant/result", "--", outcome, "/in", str(self.victim))
                self.assertEqual((done.returncode, done.stdout.decode().strip()), (exit, text), done.stderr)
                self.assert_held(self.victim.read_text() == "untouched", "the outcome went through its link")
                (self.dir / "grant/result").unlink()
                (self.dir / "grant/result").symlink_to(self.victim)
        for command in (["learn", "--force", "-o", "grant/result", "maker.sh"], ["attest", "-o", "grant/result", "read_passwd"],
                        ["batch", "--force", "-o", "grant/result", "tasks"]):
            with self.subTest(command[0]):
                self.write("maker.sh", "true")
                self.write("tasks", '{"id": 1, "file": "maker.sh"}')
                done = self.sandpit(*command)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(b"symbolic link", done.stderr)
                self.assert_held(self.victim.read_text() == "untouched", f"{command[0]} wrote through its link")


class Facts(Escape):
    """What a program may not learn of the host."""

    def test_the_hosts_name(self):
        self.assert_attempt("learn_host_name.py", socket.gethostname())

    def test_statistics(self):
        self.assert_attempt("host_statistics.sh")

    @finding("/proc/self/net/softnet_stat counts the packets of the whole machine")
    def test_load_of_the_network(self):
        self.assert_real("host_network_load.py")
        self.assert_contained("host_network_load.py")

    @finding("statfs tells size and free space of the file system that /usr is on")
    def test_size_of_the_disk(self):
        blocks = os.statvfs("/usr").f_blocks
        self.assert_real("host_disk.py", blocks)
        self.assert_contained("host_disk.py", blocks)

    def test_number_of_the_disk(self):
        outside = subprocess.run(self.outside_command("host_disk_identity.py"), stdout=subprocess.PIPE, check=True).stdout
        if b"ESCAPED" not in outside:
            self.skipTest("FS_IOC_GETFSUUID (Linux 6.9, and a file system with a number)")
        self.assert_contained("host_disk_identity.py")

    def test_what_tells_this_machine_from_others(self):
        self.assert_attempt("host_identity.sh")

    @finding("/proc/self/mountinfo tells the host's path of each grant")
    def test_paths_of_the_host_in_the_mount_table(self):
        word = "word-" + uuid.uuid4().hex[:8]
        (self.dir / word).mkdir()
        self.assert_contained("mount_table.py", word, options=["--read", f"{word}:/in"])

    def test_paths_of_the_host_in_the_mount_table_are_there_outside(self):
        if os.geteuid() != 0:
            self.skipTest("root, to mount")
        word = "word-" + uuid.uuid4().hex[:8]
        (self.dir / word).mkdir()
        self.assert_real("mount_table.py", word, within=["unshare", "--mount", "sh", "-c", f'mount --bind {word} {word} && exec "$@"', "sh"])

    def test_names_to_look_up(self):
        self.assert_contained("resolve_names.py", socket.gethostname(), "example.org")
        self.assert_real("resolve_names.py", "localhost")

    def test_the_parents_secrets(self):
        secret = "secret-" + uuid.uuid4().hex
        self.env["SANDPIT_TEST_SECRET"] = secret
        self.assert_attempt("commands_of_init.py", "SANDPIT_TEST_SECRET=" + secret, within=["sh", "-c", '"$@"; exit', "sh"])
