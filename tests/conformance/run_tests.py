#!/usr/bin/python3
"""Every runtime and every limit, with programs that really do what the limit is for.

    run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]
"""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from sandpit_tests import main  # noqa: E402
from hosts_test import Degraded, Delegation, Leftovers, UserManager  # noqa: E402, F401
from limits_test import CpuTime, Files, Memory, Output, Processes, Stack, WallTime  # noqa: E402, F401
from runtimes_test import JavaScript, Native, NativeStatic, Python, Shell  # noqa: E402, F401

if __name__ == "__main__":
    main()
