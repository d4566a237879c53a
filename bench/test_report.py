#!/usr/bin/env python3
"""The benchmark's arithmetic: what is ranked, what is not, what counts as growth. Asserts no time."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import contenders  # noqa: E402
import report  # noqa: E402


def contender(name, kind="peer", **more):
    return contenders.Contender(name, kind, "", **more)


class Latency(unittest.TestCase):
    def summary(self, *lines):
        field = [contender("bare", "bare"), contender("ours", "ours"), contender("p1"), contender("p2"), contender("gone", absent="not installed")]
        return {r["name"]: r for r in report.summarise(field, report.parse(lines))}

    def test_ratios_are_to_bare_and_to_the_fastest_peer(self):
        found = self.summary("sample\tbare\t1000000", "sample\tours\t1500000", "sample\tp1\t3000000", "sample\tp2\t6000000")
        self.assertEqual(found["ours"]["times_bare"], 1.5)
        self.assertEqual(found["ours"]["over_bare_ms"], 0.5)
        self.assertEqual(found["ours"]["times_fastest_peer"], 0.5)
        self.assertTrue(found["p1"]["fastest_peer"])
        self.assertFalse(found["p2"]["fastest_peer"])

    def test_a_single_failure_takes_the_rank_away(self):
        found = self.summary("sample\tbare\t1", "sample\tp1\t1", "failure\tp1\tstatus 1", "sample\tp2\t5")
        self.assertNotIn("median_ms", found["p1"])
        self.assertEqual(found["p1"]["failed"], "status 1")
        self.assertTrue(found["p2"]["fastest_peer"])
        self.assertIn("FAILED", report.latency_table(list(found.values())))

    def test_a_contender_without_samples_failed_and_an_absent_one_is_left_out(self):
        found = self.summary("sample\tbare\t1")
        self.assertEqual(found["ours"]["failed"], "no run was recorded")
        self.assertEqual(found["gone"]["absent"], "not installed")

    def test_the_95th_percentile_is_a_measured_value(self):
        self.assertEqual(report.percentile(range(1, 101), 95), 95)
        self.assertEqual(report.percentile([7], 95), 7)


class Growth(unittest.TestCase):
    def test_one_more_descriptor_at_the_end_grows(self):
        self.assertEqual(report.growth_verdict("host: descriptors", {"before": 5, "warm": 7, "half": 7, "end": 8, "closed": 5}), "GROWS")

    def test_a_cgroup_that_outlives_the_sandbox_is_left_behind(self):
        self.assertEqual(report.growth_verdict("cgroup directories", {"before": 5, "warm": 9, "end": 9, "closed": 6}), "LEFT BEHIND")

    def test_memory_that_settles_early_is_steady(self):
        values = {"before": 900, "warm": 1000, "half": 4000, "end": 4100, "closed": 4100}
        self.assertEqual(report.growth_verdict("host: resident KiB", values), "")

    def test_memory_that_still_rises_in_the_second_half_grows(self):
        self.assertEqual(report.growth_verdict("launcher: resident KiB", {"warm": 1000, "half": 2000, "end": 3000}), "GROWS")


class Memory(unittest.TestCase):
    def test_what_the_idle_launcher_has_is_not_charged_to_the_sandboxes(self):
        rows = report.parse(["memory\tsleep\t0\ttree\t1000", "memory\tsleep\t4\ttree\t1800"])
        self.assertEqual(report.memory_results(rows)[1]["pss_each_kib"], 200)


class Warm(unittest.TestCase):
    def test_scaling_is_two_threads_to_one_and_unknown_after_a_failure(self):
        rows = report.parse(["throughput\tw\t1\t1000\t0\t1000000000", "throughput\tw\t2\t1900\t0\t1000000000"])
        self.assertEqual(report.scaling(report.throughput_results(rows)), 1.9)
        rows = report.parse(["throughput\tw\t1\t1000\t1\t1000000000", "throughput\tw\t2\t1900\t0\t1000000000"])
        self.assertIsNone(report.scaling(report.throughput_results(rows)))

    def test_a_failure_takes_the_microseconds_away(self):
        found = report.microsecond_results(report.parse(["sample\ta\t40000", "sample\tb\t1", "failure\tb\tstatus 1"]))
        self.assertEqual([(r["name"], r["median_us"], r["p99_us"]) for r in found], [("a", 40, 40)])


if __name__ == "__main__":
    unittest.main()
