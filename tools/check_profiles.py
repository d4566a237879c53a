#!/usr/bin/env python3
"""Every system call that a profile permits was used by a program of its family, or says why it is permitted all the same.

  tools/check_profiles.py [DIRECTORY]     exit 1 and a line for each problem
  tools/check_profiles.py --self-test

The family of a profile: the runtimes whose run or compile step names it. What they used is in measured.json, which
tools/measure_syscalls.py writes. The reason for a call that none of them used is a row of [[unmeasured]] in the profile or in
one that it inherits from; a row of its own with `measured_in` stands for all that another family used.
"""

import json
import pathlib
import sys
import tomllib

SOURCE = pathlib.Path(__file__).resolve().parents[1]


def names_of(row):
    return row.get("names", []) + ([row["name"]] if "name" in row else [])


def lineage(profiles, name):
    while name:
        yield name
        name = profiles[name].get("inherits", "")


def permitted(profiles, name):
    """Each call that some arguments get past the filter, and the profile whose row lets them."""
    decided, allowed = set(), {}
    for owner in lineage(profiles, name):
        for group in profiles[owner].get("group", []):
            for row in group["rules"]:
                for call in names_of(row):
                    if call in decided:
                        continue
                    if row.get("action", "allow") in ("allow", "observe"):
                        allowed.setdefault(call, owner)
                    if "when" not in row:
                        decided.add(call)
    return allowed


def problems_of(profiles, measured, steps):
    """`steps`: of each runtime, the profiles that its steps name."""
    for profile, calls in measured.items():
        if profile not in profiles:
            yield f"measured.json: there is no profile '{profile}'"
            continue
        for runtime in sorted({one for runtimes in calls.values() for one in runtimes} - {"init"}):
            if profile not in steps.get(runtime, {profile} if runtime in ("wasm", "lint", "egress") else set()):
                yield f"measured.json: no step of '{runtime}' has the profile '{profile}' any more; measure it anew"
    for profile in sorted(profiles):
        used, allowed = measured.get(profile, {}), permitted(profiles, profile)
        excused, also = {}, set()
        for owner in lineage(profiles, profile):
            for row in profiles[owner].get("unmeasured", []):
                if not row.get("why"):
                    yield f"{owner}.toml: a row of [[unmeasured]] without 'why'"
                excused |= {call: owner for call in names_of(row) if call not in excused}
                # What a family does besides its own, it does itself: nobody inherits that.
                also |= set(measured.get(row.get("measured_in", ""), {})) if owner == profile else set()
                if "measured_in" in row and row["measured_in"] not in measured:
                    yield f"{owner}.toml: nothing was measured in '{row['measured_in']}'"
        for call, owner in sorted(allowed.items()):
            if call not in used and call not in excused and call not in also:
                yield (f"{profile}.toml: '{call}' is permitted (by a row of {owner}.toml), but no program of its family used it: "
                       "deny it, measure a program that needs it, or say why under [[unmeasured]]")
        for call, owner in sorted(excused.items()):
            if owner == profile and call in used:
                yield f"{profile}.toml: '{call}' is under [[unmeasured]], but {used[call][0]} used it: remove it there"
            if owner == profile and call not in allowed:
                yield f"{profile}.toml: '{call}' is under [[unmeasured]], but the profile does not permit it"


def read(directory):
    profiles = {path.stem: tomllib.loads(path.read_text()) for path in sorted((directory / "profiles").glob("*.toml"))}
    measured = json.loads((directory / "profiles/measured.json").read_text())["calls"]
    steps = {}
    for path in (directory / "runtimes").glob("*/runtime.toml"):
        manifest = tomllib.loads(path.read_text())
        steps[manifest["id"]] = {manifest["syscall_profile"]}
        if "compile" in manifest:
            steps[manifest["id"]].add(manifest["compile"].get("syscall_profile", "compiler"))
    return profiles, measured, steps


def self_test():
    base = {"group": [{"rules": [{"names": ["read", "tee"], "why": "x"}, {"name": "mmap", "when": [{}], "why": "x"},
                                 {"name": "mmap", "action": "errno", "why": "x"}, {"name": "bpf", "action": "notify", "why": "x"},
                                 {"name": "clone", "action": "errno", "when": [{}], "why": "x"}, {"name": "clone", "why": "x"}]}]}
    used = {"base": {"read": ["one"], "mmap": ["one"], "clone": ["one"]}}
    steps = {"one": {"base"}, "two": {"child"}}

    def told(profiles, measured=None):
        return "\n".join(problems_of(profiles, measured or used, steps))
    assert "'tee' is permitted" in told({"base": base})
    assert told({"base": base}).count("\n") == 0, told({"base": base})
    good = base | {"unmeasured": [{"name": "tee", "why": "a reason"}]}
    assert told({"base": good}) == ""
    # One more call makes it fail, in the profile itself and in one that inherits.
    more = good | {"group": good["group"] + [{"rules": [{"name": "splice", "why": "x"}]}]}
    assert "'splice' is permitted" in told({"base": more})
    child = {"inherits": "base", "group": [{"rules": [{"name": "bpf", "why": "x"}]}]}
    both = used | {"child": {"read": ["two"], "mmap": ["two"], "clone": ["two"]}}
    assert "child.toml: 'bpf' is permitted" in told({"base": good, "child": child}, both)
    assert "child.toml: 'tee'" not in told({"base": good, "child": child}, both), "the parent's reason holds"
    # What the parent's family used is no excuse for the child.
    assert "child.toml: 'clone' is permitted" in told({"base": good, "child": {"inherits": "base"}}, used | {"child": {"read": ["two"], "mmap": ["two"]}})
    denies = {"inherits": "base", "group": [{"rules": [{"names": ["clone"], "action": "errno", "why": "x"}]}]}
    assert told({"base": good, "child": denies}, used | {"child": {"read": ["two"], "mmap": ["two"]}}) == ""
    helper = {"inherits": "base", "unmeasured": [{"measured_in": "base", "why": "it starts programs of that family"}]}
    assert told({"base": good, "child": helper}, used | {"child": {"read": ["two"]}}) == ""
    grandchild = {"base": good, "child": helper, "third": {"inherits": "child"}}
    assert "third.toml: 'clone' is permitted" in told(grandchild, used | {"child": {"read": ["two"]}})
    helper["group"] = [{"rules": [{"name": "bpf", "why": "x"}]}]
    assert "child.toml: 'bpf' is permitted" in told({"base": good, "child": helper}, used | {"child": {"read": ["two"]}})
    assert "nothing was measured in" in told({"base": good, "child": {"inherits": "base", "unmeasured": [{"measured_in": "bsae", "why": "x"}]}}, used)
    # Reasons that are none, or no longer.
    assert "without 'why'" in told({"base": base | {"unmeasured": [{"name": "tee"}]}})
    assert "remove it there" in told({"base": base | {"unmeasured": [{"names": ["tee", "read"], "why": "x"}]}})
    assert "does not permit" in told({"base": base | {"unmeasured": [{"names": ["tee", "bpf"], "why": "x"}]}})
    assert "no step of 'two'" in told({"base": good}, {"base": used["base"] | {"read": ["one", "two"]}})
    # The tree's own profiles with one call more.
    profiles, measured, real_steps = read(SOURCE)
    profiles["interpreter"]["group"].append({"rules": [{"name": "acct_of_nobody", "why": "x"}]})
    assert any("acct_of_nobody" in one for one in problems_of(profiles, measured, real_steps))


def main(arguments):
    if arguments == ["--self-test"]:
        self_test()
        return 0
    problems = list(problems_of(*read(pathlib.Path(arguments[0]) if arguments else SOURCE)))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
