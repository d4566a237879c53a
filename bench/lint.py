#!/usr/bin/python3
"""What lint costs: 1,000 ordinary lines of each language with one finding, in the worker and of a whole `sandpit check`.

    bench/lint.py [BUILD_DIRECTORY] [ROUNDS]

Each figure is the best of all rounds: a machine that others use adds to a time and never takes away from it.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from lint_samples import SAMPLES  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES = 1000


def program(head, body, found):
    copies = (LINES - head.count("\n") - found.count("\n")) // body.count("\n")
    text = head + "".join(body.replace("@@", str(number)) for number in range(copies))
    return text + "\n" * (LINES - text.count("\n") - found.count("\n")) + found


def best_of(command, rounds):
    times = []
    for _ in range(rounds):
        time.sleep(0.005)
        begin = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - begin) * 1e3)
    return min(times)


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release").resolve()
    rounds = sys.argv[2] if len(sys.argv) > 2 else "50"
    print("ms, the best of", rounds, "rounds; start: a worker with nothing to do; none: a source with no rule's name\n")
    print("| language | KB | rules | start | none | parse | worker | `sandpit check` |\n|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        for language, (extension, head, body, found) in SAMPLES.items():
            source = pathlib.Path(directory) / f"{language}.{extension}"
            source.write_text(program(head, body, found))
            done = subprocess.run([build / "bench/lint_bench", build / "libexec/sandpit/lint-worker", ROOT / "runtimes" / language, source,
                                   rounds], check=True, stdout=subprocess.PIPE, text=True)
            check = best_of([build / "sandpit", "check", source], int(rounds))
            print(f"| {language} | {source.stat().st_size / 1000:.0f} | {done.stdout.strip()} | {check:.1f} |", flush=True)


if __name__ == "__main__":
    main()
