#!/usr/bin/python3
"""How long each suite took: times.py REPORT.xml ...   (ctest's JUnit; a suite is what stands before the slash)

Classes of the script suites, which are one test each, are listed one by one.
"""

import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

for path in map(pathlib.Path, sys.argv[1:]):
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        continue
    suites = collections.defaultdict(list)
    for case in cases:
        name = case.get("name")
        suite = "/".join(name.split("/")[:2]) if name.startswith("unit/") else name
        suites[suite].append(float(case.get("time", 0)))
    print(f"as {path.stem}: {sum(map(sum, suites.values())):.0f} s")
    for suite, times in sorted(suites.items(), key=lambda item: -sum(item[1])):
        print(f"  {sum(times):7.1f} s  {suite}" + (f" ({len(times)} tests)" if len(times) > 1 else ""))
