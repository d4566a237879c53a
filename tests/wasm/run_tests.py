#!/usr/bin/python3
"""WebAssembly end to end: modules and components through the real command line and the real library, in the jail.

    run_tests.py PATH/TO/sandpit [CLASS[.TEST] ...]

The guests are text (guests/*.wat). What is refused is shown to work with the grant, so that no test can pass by itself.
"""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from sandpit_tests import main  # noqa: E402
from capabilities_test import Files, Network, Switches  # noqa: E402, F401
from compiled_test import C, Rust  # noqa: E402, F401
from hostile_worker_test import HostileWorker  # noqa: E402, F401
from library_test import Library  # noqa: E402, F401
from limits_test import Cache, Crashes, Fuel, MemoryLimits, TimeLimits  # noqa: E402, F401
from programs_test import BadInput, Features, Invoke, Run, Traps  # noqa: E402, F401

if __name__ == "__main__":
    main()
