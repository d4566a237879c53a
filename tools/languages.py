#!/usr/bin/env python3
"""Runs every language's test programs and writes the table of docs/languages.md from what was seen.

  tools/languages.py PATH/TO/sandpit docs/languages.md      exit 1 when a language that is installed fails
"""

import json
import pathlib
import platform
import subprocess
import sys
import tempfile

HEAD = """# Languages

Written by `make languages` from what it saw: every program below `runtimes/<id>/` was run in the jail. `sandpit runtimes test`
does the same on your machine. A case is one of hello, stdin, args, unicode, exit, error, compile_error, loop, memory and flood
([runtimes.md](runtimes.md)); a language that can't express one has no program for it.

"""
ABSENT = """
No manifest here, since Debian 12 has no package of them: F# and Visual Basic (there is no .NET SDK, and Mono's compilers for them
are gone), Julia, Swift, Dart, Smalltalk. Where one is installed otherwise, a manifest of your own is enough
([runtimes.md](runtimes.md)).
"""
PATIENCE = "120"  # seconds
ROW = "| {name} | {display_name} | {tier} | {version} | {cases} | {hello} | {compile} | {memory} |\n"


def milliseconds(value):
    return f"{value:.1f}" if value else "-"


def row(tested):
    cases = [case for case in tested["cases"] if case["verdict"] != "no_program"]
    good = sum(case["verdict"] == "passed" for case in cases)
    hello = next((case for case in cases if case["name"] == "hello"), None)
    return ROW.format(
        name=f"`{tested['name']}`", display_name=tested["display_name"], tier=tested["tier"], version=tested["version"] or "-",
        cases=f"{good}/{len(cases)}", hello=milliseconds(hello and hello["run_time_ms"]),
        compile=milliseconds(hello and hello["compile_time_ms"]),
        memory=f"{hello['peak_memory_kb'] / 1024:.1f}" if hello else "-")


def main(sandpit, target):
    # The first time brings a language's files into memory and makes what its compiler needs once; it isn't measured.
    root = pathlib.Path(__file__).resolve().parents[1] / "runtimes"
    for hello in sorted(root.glob("*/hello.*")):
        if hello.suffix != ".expected":
            subprocess.run([sandpit, "run", "--lint", "off", "--timeout", PATIENCE, "--runtime", hello.parent.name, str(hello)],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
        # Compiled anew, to measure that; and a machine that is busy with other things fails no language.
        config.write(f"[compile]\ncache = false\n[resource_limits]\ntimeout_s = {PATIENCE}\ncompile_time_limit_s = {PATIENCE}\n")
        config.flush()
        tested = []
        with subprocess.Popen([sandpit, "runtimes", "test", "--json", "--config", config.name], stdout=subprocess.PIPE, text=True) as done:
            for line in done.stdout:
                tested.append(json.loads(line))
                failed = {case["name"]: case["why"] for case in tested[-1]["cases"] if case["verdict"] == "failed"}
                print(f"{tested[-1]['name']}: {failed or tested[-1]['state']}", flush=True)
    ready = [one for one in tested if one["state"] == "ready" and one["cases"] and one["name"] != "native"]
    missing = [one["name"] for one in tested if one["state"] != "ready"]
    text = HEAD
    text += f"{len(ready)} languages on Linux {platform.release().split('-')[0]} ({platform.machine()}); times in ms, memory in MiB.\n\n"
    text += "| id | language | tier | version | cases passed | hello | compile | memory |\n|---|---|---|---|---|---|---|---|\n"
    text += "".join(row(one) for one in sorted(ready, key=lambda one: (one["tier"], one["name"])))
    if missing:
        text += f"\nNot installed there: {', '.join(missing)}.\n"
    text += ABSENT
    text += "\nCompile times are those of a first compile; the second time the program comes from the cache.\n"
    pathlib.Path(target).write_text(text)
    print(f"{len(ready)} languages, {done.returncode and 'some failed' or 'all passed'}: {target}")
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
