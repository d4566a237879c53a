"""Runs of one template, by sandpit batch."""

import json
import pathlib

import sandpit_tests
from sandpit_tests import Case

NAMES = {"python": "main.py", "javascript": "main.js", "ruby": "main.rb", "php": "main.php", "perl": "main.pl", "lua": "main.lua",
         "java": "Main.java"}
# A program that ends when a template that was asked for before it has come up.
WAITS = {"python": "import time; time.sleep(1.5)", "javascript": "setTimeout(() => {}, 2500)", "ruby": "sleep 2.5",
         "php": "<?php usleep(1500000);", "perl": "sleep 1", "lua": "local t = os.clock(); while os.clock() - t < 1 do end",
         "java": "class Main { public static void main(String[] a) throws Exception { Thread.sleep(2500); } }"}


class Siblings(Case):
    def setUp(self):
        super().setUp()
        launcher = pathlib.Path(sandpit_tests.SANDPIT).resolve().parent / "libexec/sandpit/sandpit-launcher"
        self.env["SANDPIT_LAUNCHER"] = str(launcher)

    def outcomes(self, tasks, *options):
        """The Outcomes by id."""
        self.write("tasks.jsonl", "".join(json.dumps(task) + "\n" for task in tasks))
        done = self.sandpit("batch", "tasks.jsonl", "-o", "results.jsonl", "--force", *options)
        lines = [json.loads(line) for line in (self.dir / "results.jsonl").read_text().splitlines()]
        self.assertEqual(len(lines), len(tasks), done.stderr.decode())
        return {line["id"]: line for line in lines}

    def first(self, runtime, text=None, count=2, **more):
        """The first of a kind is not worth a template, the second starts one; `count` - 1 of them at once may start several."""
        return [{"id": f"first {n}", "runtime": runtime, "source": text or WAITS[runtime], **more} for n in range(count)]

    def batch(self, runtime, text, count, first=""):
        """The Outcomes of `count` runs that started warm; `first` goes before the program that waits for the template."""
        self.write(NAMES[runtime], text)
        tasks = self.first(runtime, WAITS[runtime] + first)
        tasks += [{"id": n, "runtime": runtime, "source": text} for n in range(count)]
        found = self.outcomes(tasks, "-j", "1")
        runs = [found[n] for n in range(count)]
        cold = [run for run in runs if run["start"] != "warm"]
        if len(cold) == count and cold[0]["start_reason"] == "there is no cgroup that counts what it uses":
            self.skipTest(f"a cgroup of one's own, without which {runtime} starts cold")
        self.assertLess(len(cold), 10, cold[:2])
        for run in runs:
            self.assertEqual(run["status"], "exited", run)
        return [run for run in runs if run["start"] == "warm"]
