#!/usr/bin/env python3
"""clang-tidy-19 over src/ and tools/, two files at a time, only over what changed since it last passed.

  tools/clang_tidy.py [--fix] BUILD_DIR [FILE...]     exit 1 when a file has a finding; --fix mends what it can

BUILD_DIR is a finished build: its compile_commands.json and ninja's dependency log say how a file is compiled and what it
includes. A file that passed is remembered by the hash of its command, .clang-tidy and the content of all it includes from
the clone, in a cache outside the clone, so another clone of the same sources passes at once.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-19"


def cache_folder():
    base = os.environ.get("SANDPIT_CACHE")
    if not base:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sandpit")
    folder = pathlib.Path(base) / "clang-tidy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def dependencies(build):
    """object file -> the files below ROOT that it was made of."""
    listing = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True).stdout
    result, current = {}, None
    for line in listing.splitlines():
        if line and not line.startswith(" ") and ":" in line:
            current = result.setdefault(line.split(":")[0], [])
        elif line.startswith("    ") and current is not None:
            path = pathlib.Path(os.path.normpath(build / line.strip()))
            if ROOT in path.parents:
                current.append(path)
    return result


def key(entry, files, common):
    digest = hashlib.sha256(common)
    digest.update(entry["command"].replace(str(ROOT), ".").encode())
    for path in sorted(set(files) | {pathlib.Path(entry["file"])}):
        digest.update(os.path.relpath(path, ROOT).encode() + b"\0")
        digest.update(path.read_bytes() if path.exists() else b"gone")
    return digest.hexdigest()


def plain_database(build, entries):
    """A copy of compile_commands.json without the compiler launcher and g++'s own flags."""
    folder = build / "clang-tidy"
    folder.mkdir(exist_ok=True)
    cleaned = []
    for entry in entries:
        words = entry["command"].split()
        while words and not words[0].endswith(("g++", "gcc", "c++", "cc", "clang++-19", "clang-19")):
            words.pop(0)
        words = [w for w in words if w not in ("-Wno-restrict", "-fcf-protection", "-fno-semantic-interposition")]
        cleaned.append({**entry, "command": " ".join(words)})
    (folder / "compile_commands.json").write_text(json.dumps(cleaned))
    return folder


def check(database, entry, options):
    command = [TIDY, "--quiet", *options, "-p", str(database), entry["file"]]
    run = subprocess.run(command, capture_output=True, text=True)
    # stderr holds only the count of warnings in system headers, unless clang-tidy itself failed.
    return run.returncode, run.stdout or run.stderr


def main():
    arguments = [a for a in sys.argv[1:] if a != "--fix"]
    fixing = len(arguments) != len(sys.argv) - 1
    if not arguments:
        sys.exit("usage: tools/clang_tidy.py [--fix] BUILD_DIR [FILE...]")
    build = pathlib.Path(arguments[0]).resolve()
    wanted = {str(pathlib.Path(f).resolve()) for f in arguments[1:]}
    entries = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        place = os.path.relpath(entry["file"], ROOT)
        if place.startswith(("src/", "tools/")) and (not wanted or entry["file"] in wanted):
            entries.append(entry)
    if not entries:
        sys.exit("clang_tidy: nothing to check")

    version = subprocess.run([TIDY, "--version"], check=True, capture_output=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes()
    cache = cache_folder()
    deps = dependencies(build)
    database = plain_database(build, entries)

    todo = []
    for entry in entries:
        mark = cache / key(entry, deps.get(entry.get("output", ""), []), common)
        if not mark.exists():
            todo.append((entry, mark))
    print(f"clang-tidy: {len(entries)} files, {len(todo)} to check", flush=True)

    failed = 0
    # One at a time when it edits: two files' fixes may meet in one header.
    workers = 1 if fixing else min(2, os.cpu_count() or 1)
    options = ["--fix"] if fixing else []
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        pending = {pool.submit(check, database, entry, options): (entry, mark) for entry, mark in todo}
        for future in concurrent.futures.as_completed(pending):
            entry, mark = pending[future]
            status, text = future.result()
            if status == 0:
                if not fixing:  # a mended file has another hash
                    mark.touch()
            else:
                failed += 1
                print(f"== {os.path.relpath(entry['file'], ROOT)}\n{text}", flush=True)
    print(f"clang-tidy: {failed} files with findings", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
