#!/usr/bin/env python3
"""Folders include only downwards, and only some know a third-party library. Exit 1 with file:line for each breach.

ARCHITECTURE.md explains the layers; this table is what holds them. --self-test checks the checker.
"""

import pathlib
import re
import sys
import tempfile

# Folder of src/ -> the folders of src/ whose headers it may include besides its own. All may include include/sandpit/.
_BELOW_SYS = {"base"}
_BELOW_EGRESS = {"base"}  # a program of its own; the configuration has its rules for names, the supervisor its protocol
_BELOW_CONFIG = _BELOW_SYS | {"sys", "egress"}
_BELOW_RUNTIME = _BELOW_CONFIG | {"config"}
_BELOW_POLICY = _BELOW_RUNTIME | {"runtime"}
_BELOW_LINT = _BELOW_POLICY | {"policy"}  # a finding is compared with what the run may do
_BELOW_PLAN = _BELOW_LINT | {"lint"}
_BELOW_ENGINE = _BELOW_PLAN | {"plan"}
_BELOW_SUPERVISOR = _BELOW_ENGINE | {"engine"}
_BELOW_SERVICE = _BELOW_SUPERVISOR | {"supervisor"}
_CODEC = {"base", "sys", "config", "policy", "plan"}
_PROGRAM = _BELOW_SERVICE | {"service", "codec"}
_BELOW_CLI = _PROGRAM | {"batch", "attest", "learn"}
ALLOWED = {
    "base": set(),
    "egress": _BELOW_EGRESS,
    "sys": _BELOW_SYS,
    "config": _BELOW_CONFIG,
    "runtime": _BELOW_RUNTIME,
    "policy": _BELOW_POLICY,
    "lint": _BELOW_LINT,
    "plan": _BELOW_PLAN,
    "engine": _BELOW_ENGINE,
    "supervisor": _BELOW_SUPERVISOR,
    "service": _BELOW_SERVICE,
    "codec": _CODEC,
    "batch": _PROGRAM,
    "attest": _PROGRAM,
    "learn": {"base", "sys", "policy", "egress"},  # its runs are a function that it is given
    "cli": _BELOW_CLI,
    "launcher": _PROGRAM - {"codec"},
}

# Beginning of an <include> -> who may use it ("tools" is the folder beside src/).
THIRD_PARTY = {
    "boost/": {"codec", "egress", "tests"},  # tests read back what the codec wrote
    "toml++/": {"config", "runtime", "sys", "tools"},
    "CLI/": {"cli", "tools"},
    "spdlog/": {"base", "cli"},
    "seccomp.h": {"tools"},
    "sandpit_wasm.h": {"engine"},  # rust/include: the interface of our crate over Wasmtime
    "sandpit_lint.h": {"lint"},  # rust/lint/include: the interface of our crate over tree-sitter
    "gtest/": {"tests"},
    "gmock/": {"tests"},
    "benchmark/": {"bench"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in {".h", ".cc", ".c", ".cpp", ".hpp"})


def check_file(root, path, owner):
    """owner: a folder of src/, or "public", "tools", "tests", "bench"."""
    place = path.relative_to(root)
    for number, quote, name in includes(path):
        for prefix, users in THIRD_PARTY.items():
            if name.startswith(prefix) and owner not in users:
                yield f"{place}:{number}: {owner} may not include <{name}>: only {', '.join(sorted(users))} may"
        first = name.split("/")[0]
        if first == "sandpit" and "/" in name:
            if not (root / "include" / name).exists():
                yield f"{place}:{number}: no public header {name}"
        elif first in ALLOWED and (root / "src" / name).exists():
            if owner == "public":
                yield f"{place}:{number}: a public header may not include {name}"
            elif owner in ALLOWED and first != owner and first not in ALLOWED[owner]:
                yield f"{place}:{number}: {owner} may not include {name}: {owner} lies below {first} or beside it"
        elif owner == "public" and quote == '"':
            yield f"{place}:{number}: a public header includes {name}, which is not installed"
        elif owner in ALLOWED and quote == '"' and "/" not in name:
            yield f"{place}:{number}: write the path from src/: {owner}/{name}"


def check(root):
    problems = []
    for folder in sorted(p for p in (root / "src").iterdir() if p.is_dir()):
        files = sources(folder)
        if files and folder.name not in ALLOWED:
            problems.append(f"src/{folder.name}: an unknown folder; give it a row in tools/check_layers.py")
            continue
        for path in files:
            problems += check_file(root, path, folder.name)
    for path in sources(root / "include"):
        problems += check_file(root, path, "public")
    for owner in ("tools", "bench", "tests"):
        if (root / owner).is_dir():
            for path in sources(root / owner):
                problems += check_file(root, path, owner)
    return problems


def self_test():
    cases = {
        "src/base/a.cc": ('#include "plan/p.h"\n', "base may not include plan/p.h"),
        "src/plan/b.cc": ("#include <boost/json.hpp>\n", "only codec, egress, tests may"),
        "src/engine/c.cc": ('#include "supervisor/s.h"\n', "engine may not include supervisor/s.h"),
        "src/config/d.cc": ('#include "runtime/r.h"\n', "config may not include runtime/r.h"),
        "include/sandpit/e.h": ('#include "plan/p.h"\n', "a public header may not include plan/p.h"),
        "src/mystery/f.cc": ("\n", "unknown folder"),
        "src/service/ok.cc": ('#include "plan/p.h"\n#include "supervisor/s.h"\n#include <string>\n', None),
        "src/codec/ok.cc": ("#include <boost/json.hpp>\n", None),
    }
    for name, (text, wanted) in cases.items():
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for header in ("src/plan/p.h", "src/supervisor/s.h", "src/runtime/r.h", "include/sandpit/x.h"):
                (root / header).parent.mkdir(parents=True, exist_ok=True)
                (root / header).write_text("#pragma once\n")
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
            problems = check(root)
            if (wanted is None) != (not problems) or (wanted and wanted not in problems[0]):
                sys.exit(f"check_layers self-test: {name}: wanted {wanted!r}, got {problems}")
    print(f"{len(cases)} cases hold")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    problems = check(pathlib.Path(__file__).resolve().parent.parent)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
