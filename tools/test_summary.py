#!/usr/bin/env python3
"""The end of a CI run: lists what failed and what was skipped, and why, then 'N passed, N failed, N skipped'.

  tools/test_summary.py [LABEL=JUNIT_FILE | LABEL~CTEST_LOG | LABEL:passed | LABEL:failed | LABEL:skipped:REASON]...

A JUnit file is ctest's (--output-junit); one that is missing or holds no test counts as one failure. Its log (what ctest
printed) tells which tests failed first and passed when they were repeated: they are listed, and count as passed.
Exit 1 when anything failed or nothing passed.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def skip_reason(output):
    # GoogleTest: "file.cc:12: Skipped\n<reason>"; a script's last line is its reason.
    match = re.search(r": Skipped\n+([^\n\[]+)", output)
    if match:
        return match.group(1).strip()
    lines = [line for line in output.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


def read(label, path):
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        return [(label, "failed", f"no test report: {error}")]
    if not cases:
        return [(label, "failed", "the report holds no test")]
    results = []
    for case in cases:
        name = f"{label}: {case.get('name')}"
        skipped = case.find("skipped")
        output = case.findtext("system-out") or ""
        if case.find("failure") is not None or case.get("status") == "fail":
            results.append((name, "failed", ""))
        elif skipped is not None and not skipped.get("message", "").startswith("SKIP_"):
            # "Not run" for want of its program or a fixture: ctest calls that a failure, and so do we.
            results.append((name, "failed", skipped.get("message", "not run")))
        elif skipped is not None:
            results.append((name, "skipped", skip_reason(output)))
        else:
            results.append((name, "passed", ""))
    return results


def failed_once(label, path):
    """Of a run with --repeat until-pass: each attempt has its line."""
    try:
        text = pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return []
    attempts = re.findall(r"^ *(?:\d+/\d+ )?Test +#\d+: (.+?) \.*(?:\*\*\*(\w+)|   Passed)", text, re.MULTILINE)
    failed = {name for name, verdict in attempts if verdict not in ("", "Skipped")}
    return [f"{label}: {name}" for name, verdict in attempts if not verdict and name in failed]


def main():
    results = []
    repeated = []
    for argument in sys.argv[1:]:
        label, separator, rest = argument.partition("=")
        log = re.fullmatch(r"([^=:~]+)~(.+)", argument)
        if log:
            repeated += failed_once(*log.groups())
        elif separator:
            results += read(label, rest)
        else:
            label, verdict, *reason = argument.split(":", 2)
            results.append((label, verdict, reason[0] if reason else ""))
    groups = {verdict: [r for r in results if r[1] == verdict] for verdict in ("passed", "failed", "skipped")}
    if groups["failed"]:
        print("Failed:")
        for name, _, reason in groups["failed"]:
            print(f"  {name}{' -- ' + reason if reason else ''}")
    if repeated:
        print("Failed once and passed when repeated:")
        for name in repeated:
            print(f"  {name}")
    print("Skipped tests:" if groups["skipped"] else "Skipped tests: none")
    for name, _, reason in groups["skipped"]:
        print(f"  {name} -- {reason}")
    print(", ".join(f"{len(group)} {verdict}" for verdict, group in groups.items()))
    sys.exit(1 if groups["failed"] or not groups["passed"] else 0)


if __name__ == "__main__":
    main()
