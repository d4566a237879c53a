"""Published holes of other sandboxes and runners, one test for each. The rest of the list of SECURITY.md is elsewhere in the suite."""

import os
import shutil
import subprocess

from escape_case import Escape


class Cves(Escape):
    def test_cve_2019_5736_the_runners_own_program(self):
        self.assert_contained("cve_2019_5736_runner_binary.py")
        shutil.copy("/bin/sleep", self.dir / "runner")
        runner = subprocess.Popen([self.dir / "runner", "600"])
        self.addCleanup(runner.wait)
        self.addCleanup(runner.kill)
        self.assert_real("cve_2019_5736_runner_binary.py", runner.pid)

    def test_cve_2024_21626_a_leaked_directory(self):
        mark = self.write("mark", "host")
        fd = os.open(self.dir, os.O_RDONLY)
        try:
            done = self.sandpit("run", "--quiet", "--", self.prepared("cve_2024_21626_leaked_directory.py"), str(mark), pass_fds=[fd])
            self.assertEqual(self.verdict(done.stdout.decode()), "CONTAINED", done.stdout + done.stderr)
            outside = subprocess.run(self.outside_command("cve_2024_21626_leaked_directory.py", mark), cwd="/", pass_fds=[fd],
                                     capture_output=True, check=False)
            self.assertIn(b"ESCAPED", outside.stdout)
        finally:
            os.close(fd)

    def test_cve_2022_0492_a_release_agent(self):
        # What it looks for ready-made is not on every host.
        self.assert_attempt("cve_2022_0492_release_agent.c", within=["unshare", "--mount"], idle=["/sys/fs/cgroup/", "/proc/1/root/"])
