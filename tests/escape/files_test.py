"""What leaves the jail as files: --out, and granted directories."""

import os
import subprocess

from escape_case import PROGRAMS, Escape
from sandpit_tests import PATIENCE, sandpit_path


class CopyOut(Escape):
    def copied(self, *options):
        outcome = self.outcome(self.prepared("leave_traps.py"), "--out", "out", *options)
        self.assert_outcome(outcome, status="exited", stdout="made\n")
        return outcome

    def test_the_traps_are_real(self):
        place = self.dir / "place"
        place.mkdir()
        subprocess.run(self.outside_command("leave_traps.py"), cwd=place, check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(os.readlink(place / "link-to-shadow"), "/etc/shadow")
        self.assertTrue((place / "fifo").is_fifo() and (place / "socket").is_socket())
        self.assertEqual(os.lstat(place / "setuid").st_mode & 0o6000, 0o6000)
        (place / "closed").chmod(0o700)  # for whoever removes it

    def test_only_plain_files_and_directories_arrive(self):
        self.copied()
        out = self.dir / "out"
        self.assertEqual((out / "plain").read_text(), "plain")
        self.assertEqual((out / "/".join(["d"] * 60) / "bottom").read_text(), "deep")
        for name in ("link-to-shadow", "link-to-etc", "link-up", "loop", "fifo", "socket"):
            self.assertFalse(os.path.lexists(out / name), name)
        for directory, folders, files in os.walk(out):
            for name in folders + files:
                path = os.path.join(directory, name)
                self.assertTrue(os.path.isdir(path) or os.path.isfile(path), path)
                self.assertFalse(os.path.islink(path), path)
                self.assertEqual(os.lstat(path).st_uid, os.geteuid(), path)
                self.assertFalse(os.lstat(path).st_mode & 0o6000, path)

    def test_odd_names_are_kept_and_never_reach_the_terminal_raw(self):
        self.write("leave_traps.py", (PROGRAMS / "leave_traps.py").read_bytes())
        done = self.sandpit("run", "--out", "out", "leave_traps.py")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(b"\x1b[31m", done.stderr)
        names = set(os.listdir(os.fsencode(self.dir / "out")))
        self.assertLessEqual({b"new\nline", b"-rf", b"--help", b" ", b"..hidden", b"\xff\xfe"}, names)

    def test_names_with_escapes_in_warnings_are_made_harmless(self):
        self.write("p.py", "import os\nos.mkfifo('\\x1b[31mfifo\\nsandpit: all is well')")
        done = self.sandpit("run", "--out", "out", "p.py")
        self.assertEqual(done.returncode, 0)
        self.assertNotIn(b"\x1b[31m", done.stderr)
        self.assertNotIn(b"\nsandpit: all is well", done.stderr)

    def test_a_link_in_the_destination_is_not_followed(self):
        victim = self.write("victim", "untouched")
        (self.dir / "out").mkdir()
        (self.dir / "out/plain").symlink_to(victim)
        self.copied()
        self.assertEqual(victim.read_text(), "untouched")

    def test_a_linked_directory_in_the_destination_is_not_followed(self):
        (self.dir / "elsewhere").mkdir()
        (self.dir / "out").mkdir()
        (self.dir / "out/d").symlink_to(self.dir / "elsewhere")
        self.copied()
        self.assertEqual(os.listdir(self.dir / "elsewhere"), [])

    def test_a_deep_tree_neither_hangs_nor_crashes(self):
        outcome = self.program("p.py", "import os\nfor _ in range(3000):\n  os.mkdir('d')\n  os.chdir('d')\nopen('f','w').close()",
                               "--out", "out", "--timeout", "60", "--cpu-time", "30")
        self.assertIn(outcome["exit"], (0, 125), outcome)
        self.assertNotIn("signal", outcome["message"])
        subprocess.run(["rm", "-rf", str(self.dir / "out")], check=False)

    def test_a_sparse_file_does_not_fill_the_host(self):
        outcome = self.program("p.py", "import os\nf = open('sparse', 'wb')\nf.truncate(5 << 20)", "--out", "out")
        self.assertEqual(outcome["exit"], 0, outcome)
        path = self.dir / "out/sparse"
        self.assertTrue(not path.exists() or path.stat().st_size == 5 << 20)


class Grants(Escape):
    def granted(self, mode=0o755):
        self.write("grant/file", "original")
        (self.dir / "grant").chmod(mode)
        return self.dir / "grant"

    def test_a_read_only_grant_cannot_be_changed(self):
        grant = self.granted(0o777)
        (grant / "file").chmod(0o666)
        self.assert_contained("write_system_files.py", "/in", options=["--read", "grant:/in"])
        self.assertEqual(sorted(os.listdir(grant)), ["file"])
        self.assertEqual((grant / "file").read_text(), "original")

    def test_a_hard_link_does_not_make_a_read_only_file_writable(self):
        grant = self.granted(0o777)
        (grant / "file").chmod(0o666)
        (self.dir / "made").mkdir()
        self.assert_contained("hard_link.py", "/in/file", "/work", options=["--read", "grant:/in"])
        self.assert_contained("hard_link.py", "/in/file", "/made", options=["--read", "grant:/in", "--write", "made:/made"])
        self.assertEqual((grant / "file").read_text(), "original")
        self.assert_real("hard_link.py", grant / "file", self.dir / "made")

    def test_a_writable_grant_is_written_with_its_owners_ids(self):
        grant = self.granted()
        if os.geteuid() == 0:
            os.chown(grant, 12345, 12346)
            os.chown(grant / "file", 12345, 12346)
        outcome = self.program("p.py", "import os\nos.mkdir('/in/d')\nopen('/in/new', 'w').write('made')\nopen('/in/file', 'a').write('+')\n"
                               "print(open('/in/file').read())", "--write", "grant:/in")
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout="original+\n")
        self.assertEqual((grant / "new").read_text(), "made")
        owner = grant.stat()
        for name in ("new", "d"):
            self.assertEqual((os.lstat(grant / name).st_uid, os.lstat(grant / name).st_gid), (owner.st_uid, owner.st_gid))

    def test_a_writable_grant_of_roots_does_not_make_set_user_id_programs(self):
        grant = self.granted()
        self.program("p.py", "import os, shutil\nshutil.copy('/bin/true', '/in/t')\nos.chmod('/in/t', 0o6755)", "--write", "grant:/in")
        # The file may have the bits (it is the owner's own directory), never on the way of another owner.
        if (grant / "t").exists():
            self.assertEqual(os.lstat(grant / "t").st_uid, grant.stat().st_uid)

    def test_links_in_a_writable_grant_lead_nowhere_outside(self):
        grant = self.granted()
        secret = self.write("secret", "hidden", 0o644)
        (grant / "absolute").symlink_to(secret)
        (grant / "relative").symlink_to("../secret")
        outcome = self.program("p.py", "for n in ('absolute', 'relative'):\n  try: print('read', open('/in/' + n).read())\n"
                               "  except OSError as e: print(type(e).__name__)", "--write", "grant:/in")
        self.assertNotIn("hidden", outcome["stdout"])

    def test_devices_in_a_grant_cannot_be_opened(self):
        if os.geteuid() != 0:
            self.skipTest("root, to make a device node")
        grant = self.granted(0o777)
        os.mknod(grant / "zero", 0o020666, os.makedev(1, 5))
        outcome = self.program("p.py", "try: print(open('/in/zero', 'rb').read(3))\nexcept OSError as e: print('denied', e)",
                               "--read", "grant:/in")
        self.assertTrue(outcome["stdout"].startswith("denied"), outcome)

    def test_mounts_below_a_read_only_grant_are_read_only_too(self):
        if os.geteuid() != 0:
            self.skipTest("root, to mount")
        grant = self.granted(0o777)
        (grant / "below").mkdir()
        self.write("p.py", "try: open('/in/below/x', 'w').write('x'); print('ESCAPED')\nexcept OSError as e: print('denied', e)")
        script = f"mount -t tmpfs -o mode=777 none grant/below && '{sandpit_path()}' run --quiet --read grant:/in p.py"
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script], cwd=self.dir, env=self.env, capture_output=True,
                              timeout=PATIENCE, check=False)
        self.assertTrue(done.stdout.startswith(b"denied"), done.stdout + done.stderr)
