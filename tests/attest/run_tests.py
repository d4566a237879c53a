#!/usr/bin/python3
"""`sandpit attest`: what it reports here, and that it reports an escape where there is one.

    run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]
"""

import glob
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from sandpit_tests import PATIENCE, SLOWNESS, Case, main, sandpit_path  # noqa: E402

CATEGORIES = {"files", "processes", "kernel", "resources", "network", "information", "supervisor"}


def catalogue():
    return json.loads((pathlib.Path(sandpit_path()).resolve().parent / "libexec/sandpit/attest/attacks.json").read_text())


class Attest(Case):
    def attest(self, *words, status=0, **more):
        """The report."""
        done = subprocess.run([sandpit_path(), "attest", "--json", *words], cwd=self.dir, env={**self.env, **more}, capture_output=True,
                              timeout=4 * PATIENCE, check=False)
        report = json.loads(done.stdout or "{}")
        bad = [attack for attack in report.get("attacks", ()) if attack["result"] in ("escaped", "unclear")]
        self.assertEqual(done.returncode, status, (bad, done.stderr))
        return report

    def results(self, report):
        return {attack["name"]: attack["result"] for attack in report["attacks"]}

    def setUp(self):
        super().setUp()
        if SLOWNESS > 1:
            self.skipTest("a machine of the usual speed: the catalogue's limits of time are not scaled")

    def tearDown(self):
        self.assertEqual([name for name in glob.glob("/tmp/sandpit-attest-*") if os.stat(name).st_uid == os.geteuid()], [])


class Reports(Attest):
    def test_everything_is_contained_by_every_profile(self):
        for profile in ("development", "strict"):
            if profile != "development" and os.geteuid() != 0 and self.sandpit("run", "--profile", profile, self.write("t.sh", "")).returncode:
                continue  # an ordinary user without a cgroup
            with self.subTest(profile=profile):
                report = self.attest("--profile", profile)
                self.assertEqual((report["schema_version"], report["profile"], report["contained"]), (1, profile, True))
                self.assertEqual(len(report["attacks"]), len(catalogue()))
                self.assertGreater(report["totals"]["contained"], 60)
                contained = {attack["category"] for attack in report["attacks"] if attack["result"] == "contained"}
                self.assertEqual(contained, CATEGORIES)
                known = {attack["name"] for attack in report["attacks"] if attack["result"] == "known_risk"}
                self.assertLessEqual(known, {row["name"] for row in catalogue() if "known" in row})
                for attack in report["attacks"]:
                    if attack["result"] == "skipped":
                        print("SKIPPED", attack["name"], attack["how"])
                        self.assertTrue(attack["how"])

    def test_a_configuration_that_opens_the_jail_is_seen(self):
        self.write("open.toml", """
            [security]
            network = { mode = "host" }
            allowed_paths = ["/var"]
            allow_syscalls = ["unshare", "clone", "clone3", "ptrace", "keyctl", "vmsplice", "inotify_init1", "inotify_add_watch"]
            """)
        report = self.attest("--config", "open.toml", status=1)
        self.assertFalse(report["contained"])
        escaped = {name for name, result in self.results(report).items() if result == "escaped"}
        self.assertLessEqual({"read_host_files", "ptrace_processes", "clone3_past_the_filter", "high_bits_of_clone", "gift_pages",
                              "connect_loopback", "connect_any_address", "connect_by_shell", "watch_host_programs"}, escaped)
        self.assertEqual(report["totals"]["escaped"], len(escaped))
        self.assertNotEqual(report["configuration_sha256"], self.attest("read_shadow")["configuration_sha256"])

    def test_attacks_are_chosen_by_name_and_category(self):
        self.assertEqual(set(self.results(self.attest("read_shadow", "fork_bomb"))), {"read_shadow", "fork_bomb"})
        self.assertEqual({attack["category"] for attack in self.attest("network")["attacks"]}, {"network"})
        done = self.sandpit("attest", "no-such-attack")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"no-such-attack", done.stderr)

    def test_the_table_and_the_file(self):
        done = self.sandpit("attest", "-o", "report.json", "read_shadow")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, rb"^sandpit [0-9.]+ on Linux .*\nprofile development, configuration [0-9a-f]{16}\nLandlock ABI ")
        self.assertRegex(done.stdout, rb"(?m)^read_shadow +files +[0-9].*contained")
        self.assertNotIn(b"\x1b", done.stdout + done.stderr)
        self.assertEqual(self.results(json.loads((self.dir / "report.json").read_text())), {"read_shadow": "contained"})
        self.assertEqual(self.sandpit("attest", "-o", "no/such/place", "read_shadow").returncode, 2)

    def test_a_terminal_gets_colours(self):
        leader, follower = pty.openpty()
        subprocess.run([sandpit_path(), "attest", "read_shadow"], cwd=self.dir, env=self.env, stdin=follower, stdout=follower,
                       stderr=subprocess.DEVNULL, timeout=PATIENCE, check=True)
        os.close(follower)
        said = os.read(leader, 65536)
        os.close(leader)
        self.assertIn(b"\x1b[", said)

    def test_where_nothing_can_be_run_nothing_is_reported(self):
        self.write("bad.toml", '[security]\nallowed_paths = ["/etc"]\n')
        done = self.sandpit("attest", "--json", "--config", "bad.toml")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"/etc", done.stderr)

    def test_programs_that_are_not_there_are_skipped_and_prove_nothing(self):
        copy = self.dir / "attacks"
        copy.mkdir()
        (copy / "attacks.json").write_text(json.dumps(catalogue()))
        report = self.attest("read_shadow", "fork_bomb", status=1, SANDPIT_ATTACKS_DIR=str(copy))
        self.assertEqual(set(self.results(report).values()), {"skipped"})
        self.assertFalse(report["contained"])

    def test_a_damaged_catalogue_is_told(self):
        (self.dir / "attacks.json").write_text('[{"name": 1}]')
        done = self.sandpit("attest", env={**self.env, "SANDPIT_ATTACKS_DIR": str(self.dir)})
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"attacks[0]", done.stderr)

    def test_an_interrupt_ends_it_and_leaves_nothing(self):
        process = subprocess.Popen([sandpit_path(), "attest"], cwd=self.dir, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not glob.glob("/tmp/sandpit-attest-*"):
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out), (130, b""))


class Harm(Attest):
    """Programs of our own in the place of the attacks."""

    def scene(self, text, **row):
        place = self.dir / "attacks"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        (place / "a.sh").write_text(text)
        row = {"name": "a", "program": "a.sh", "category": "files", "attempts": "x", **row}
        (place / "attacks.json").write_text(json.dumps([row]))
        return {"SANDPIT_ATTACKS_DIR": str(place)}

    def test_words_are_filled_in(self):
        scene = self.scene('echo "$@"; echo CONTAINED', args=["{mark}", "{pid}", "{port}"])
        [attack] = self.attest(**scene)["attacks"]
        mark, pid, port = attack["how"].split()
        self.assertTrue(mark.endswith("/mark"))
        self.assertTrue(pid.isdigit() and port.isdigit())

    def test_a_program_without_a_verdict_is_unclear(self):
        [attack] = self.attest(status=1, **self.scene("echo hello"))["attacks"]
        self.assertEqual(attack["result"], "unclear")

    def test_an_attack_that_is_real_is_proven_outside(self):
        scene = self.scene('[ -e "$1" ] && echo ESCAPED || echo CONTAINED', args=["{mark}"], prove="anybody")
        [attack] = self.attest("--prove", **scene)["attacks"]
        self.assertEqual((attack["result"], attack["proven"]), ("contained", True))
        scene = self.scene("echo CONTAINED", prove="anybody")
        self.assertFalse(self.attest("--prove", **scene)["attacks"][0]["proven"])
        self.assertNotIn("proven", self.attest(**scene)["attacks"][0])
        self.assertNotIn("proven", self.attest("--prove", **self.scene("echo CONTAINED"))["attacks"][0])

    def test_a_hostile_program_outside_kills_no_more_than_the_process_that_is_there_for_it(self):
        scene = self.scene('kill -9 "$1" 2>/dev/null && echo ESCAPED || echo CONTAINED', args=["{pid}"], prove="anybody")
        [attack] = self.attest("--prove", **scene)["attacks"]
        self.assertEqual((attack["result"], attack["proven"]), ("contained", True))

    def test_a_first_run_that_says_nothing_is_told(self):
        scene = self.scene('[ "$1" = first ] && exit; echo CONTAINED', args=["second"], beside=["first"])
        [attack] = self.attest(status=1, **scene)["attacks"]
        self.assertEqual(attack["result"], "unclear")

    def test_the_real_ones_outside(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("root, whom nothing but the sandbox stops")
        report = self.attest("--prove")
        proven = [attack for attack in report["attacks"] if attack.get("proven")]
        for attack in report["attacks"]:
            if attack.get("proven") is False:
                print("NOT PROVEN", attack["name"])
        self.assertGreater(len(proven), 45)
        self.assertEqual({attack["category"] for attack in proven}, CATEGORIES - {"supervisor"})


if __name__ == "__main__":
    main()
