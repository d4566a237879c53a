"""The environment of what is measured, bare or not: without what somebody set for interpreters on this machine, which no jail
passes on. NODE_EXTRA_CA_CERTS alone costs a bare Node 40 ms and more at its start."""

import os

KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "USER")
KEPT_BEGINNINGS = ("LC_", "SANDPIT_", "XDG_")


def environment():
    return {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_BEGINNINGS)}
