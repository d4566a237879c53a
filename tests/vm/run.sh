#!/usr/bin/env bash
# Runs tests on Debian 12's own kernel (6.1, cgroup v2): as root, and as an ordinary user with a delegated cgroup.
#
#   tests/vm/run.sh [--full] BUILD_DIR REPORT_DIR
#
# Leaves root.xml and user.xml (ctest's JUnit) in REPORT_DIR. Exit 77 when there is no QEMU or no kernel package.
# The guest is emulated and about eight times slower, so only tests that meet the kernel run there, and without --full only
# a part of those: about four minutes on an idle machine with two cores. VM_TESTS and VM_USER_TESTS (regular expressions
# for ctest -R) choose others; VM_SLOWNESS and VM_TIMEOUT (seconds) are for slower machines.
set -euo pipefail
full=
if [ "${1:-}" = --full ]; then full=1; shift; fi
build=$(realpath "$1")
reports=$(realpath -m "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$reports"
rm -f "$reports"/{root,user}.xml

if [ -n "$full" ]; then
  : "${VM_TESTS:=^(unit/sys|unit/service|unit/supervisor|conformance(-user)?|denials(-user)?|escape(-user)?|cli)/}"
  : "${VM_USER_TESTS:=^(conformance|denials|escape|cli)/}"
  : "${VM_TIMEOUT:=3600}"
else
  # Cgroups and their limits, each step of a launch, every wall; the runtimes once, as the user.
  VM_TESTS=${VM_TESTS:-'^(unit/sys/(CgroupReal|Landlock|SeccompKernel)\.|unit/service/(EachStep/)?LaunchFailure|'\
'conformance/(Memory|CpuTime|Processes|Leftovers|Delegation)$|conformance-user/Degraded$|escape/)'}
  VM_USER_TESTS=${VM_USER_TESTS:-'^(conformance/(Python|JavaScript|Shell|Native|Memory|CpuTime|WallTime|Processes|'\
'Files|Leftovers)$|escape/)'}
  : "${VM_TIMEOUT:=1800}"
fi

status=0
"$root/tools/vm-run" --timeout "$VM_TIMEOUT" --memory 3072 -- env VM_SLOWNESS="${VM_SLOWNESS:-}" \
  bash "$root/tests/vm/guest.sh" "$build" "$VM_TESTS" "$VM_USER_TESTS" >"$reports/vm.log" || status=$?
if [ "$status" = 77 ]; then exit 77; fi

for who in root user; do
  sed -n "/^@@report $who\$/,/^@@end\$/p" "$reports/vm.log" | sed '1d;$d' >"$reports/$who.xml"
  [ -s "$reports/$who.xml" ] || { echo "vm: no report of the tests as $who (vm-run's status $status)"; status=1; }
done
sed '/^@@report /,/^@@end$/d' "$reports/vm.log"
"$root/tests/vm/times.py" "$reports"/{root,user}.xml
"$root/tools/test_summary.py" vm-root="$reports/root.xml" vm-user="$reports/user.xml" || status=1
exit "$status"
