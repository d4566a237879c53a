#!/usr/bin/env python3
"""Are the tests that SECURITY.md and ARCHITECTURE.md name there, does each wall name some, and does each residual risk say how it
could be closed?

    check_documents.py              the source tree
    check_documents.py --self-test  what it must find
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
GTEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)")
NAMED_GTEST = re.compile(r"`([A-Z]\w+)\.(\*|\w+)`")
NAMED_CLASSES = re.compile(r"\b([a-z]+): ((?:`\w+`(?:, )?)+)")
NAMED_PROGRAM = re.compile(r"`(\w+\.(?:c|py|sh|js|wat))`")
WHOLE_SUITE = re.compile(r"\b([a-z]+): (?:all|every class)")


class Tests:
    def __init__(self, root):
        tests = root / "tests"
        self.units = {found for file in tests.rglob("*.cc") for found in GTEST.findall(file.read_text())}
        self.unit_suites = {suite for suite, _ in self.units}
        self.classes = {folder.name: {name for file in folder.glob("*.py") for name in re.findall(r"(?m)^class (\w+)", file.read_text())}
                        for folder in tests.iterdir() if folder.is_dir()}
        self.programs = {file.name for file in (tests / "escape/programs").iterdir()}

    def missing_units(self, text):
        return [f"{suite}.{test}" for suite, test in NAMED_GTEST.findall(text)
                if (suite not in self.unit_suites if test == "*" else (suite, test) not in self.units)]

    def missing_classes(self, text):
        return [f"{folder}: {name}" for folder, names in NAMED_CLASSES.findall(text) if folder in self.classes
                for name in re.findall(r"`(\w+)`", names) if name not in self.classes[folder] and name not in self.unit_suites]

    def missing_programs(self, text):
        return [name for name in NAMED_PROGRAM.findall(text) if name not in self.programs]

    def named(self, text):
        """How many tests that exist a text names."""
        units = len(NAMED_GTEST.findall(text)) - len(self.missing_units(text))
        classes = sum(folder in self.classes for folder, _ in (*NAMED_CLASSES.findall(text), *((f, "") for f in WHOLE_SUITE.findall(text))))
        return units + classes - len(self.missing_classes(text))


def section(text, title):
    begin = text.index(f"\n## {title}\n")
    return text[begin:text.find("\n## ", begin + 1)]


def problems_of(security, architecture, tests):
    for name, text in (("SECURITY.md", security), ("ARCHITECTURE.md", architecture)):
        for missing in (*tests.missing_units(text), *tests.missing_classes(text)):
            yield f"{name}: no test {missing}"
    for missing in tests.missing_programs(section(security, "The walls")):
        yield f"SECURITY.md: no program {missing} in tests/escape/programs"
    walls = [row.split("|")[1:-1] for row in section(security, "The walls").split("\n\n**The attack suite**")[0].splitlines()
             if row.startswith("| ") and not row.startswith("| wall |")]
    if not walls:
        yield "SECURITY.md: no table of walls"
    for wall in walls:
        if tests.named(wall[-1]) < 1:
            yield f"SECURITY.md: the wall '{wall[0].strip()}' names no test"
    for risk in re.split(r"\n(?=- )", section(security, "Residual risks"))[1:]:
        # What comes after the list's last row belongs to the next heading.
        risk = risk.split("\n\n")[0]
        if "*Yours*" not in risk and "*Ours*" not in risk:
            yield f"SECURITY.md: the residual risk {risk.splitlines()[0]} does not say how it could be closed"


def self_test():
    tests = Tests(ROOT)
    security = ("\n## The walls\n\n| wall | stops | not | proven by |\n|---|---|---|---|\n"
                "| good | a | b | escape: `Privileges`; `NoSuite.*` |\n| bad | a | b | escape: `NoClass` |\n"
                "\n**The attack suite** `fork_bomb.c` `no_program.c`\n"
                "\n## Residual risks\n\n- **closed**: *Ours*: x\n- **open**: nothing\n  at all\n\n### more\n\n- **own**: *Yours*: y\n\n## End\n")
    found = list(problems_of(security, "`NoSuite.NoTest`", tests))
    expected = ["no test NoSuite.*", "no test escape: NoClass", "no test NoSuite.NoTest", "no program no_program.c", "the wall 'bad'",
                "risk - **open**"]
    if len(found) != len(expected) or not all(any(word in line for line in found) for word in expected):
        sys.exit(f"found {found}")


if sys.argv[1:] == ["--self-test"]:
    self_test()
else:
    problems = list(problems_of((ROOT / "SECURITY.md").read_text(), (ROOT / "ARCHITECTURE.md").read_text(), Tests(ROOT)))
    print("\n".join(problems) if problems else "every test that is named exists, every wall names some, every risk says how to close it")
    sys.exit(1 if problems else 0)
