#!/usr/bin/python3
"""Hostile programs (programs/, each named by what it attempts), inside the jail and, as root, outside of it.

    run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]

A program's last line is CONTAINED or ESCAPED, by what it observed itself. Inside it must be CONTAINED. Outside it must be
ESCAPED: that proves that the attempt is real. Where the attempt would harm the host, outside gets arguments or
namespaces that make it harmless.
"""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from sandpit_tests import main  # noqa: E402
from cves_test import Cves  # noqa: E402, F401
from files_test import CopyOut, Grants  # noqa: E402, F401
from host_test import HostEnvironment, HostFiles, HostProcesses  # noqa: E402, F401
from host_tricks_test import Facts, FileTricks, HostSteps  # noqa: E402, F401
from kernel_surface_test import KernelCalls, KernelFiles  # noqa: E402, F401
from neighbours_test import Channels, Neighbours  # noqa: E402, F401
from network_test import HostNetwork, NetworkTricks  # noqa: E402, F401
from privileges_test import Execution, Kernel, Privileges  # noqa: E402, F401
from processes_test import NeverEnding, ProcessTricks, Shares  # noqa: E402, F401
from resources_test import Counts, Disk, Memory, Output  # noqa: E402, F401
from supervisor_test import Supervisor  # noqa: E402, F401
from wasm_test import Wasm  # noqa: E402, F401

if __name__ == "__main__":
    main()
