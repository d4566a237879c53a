#!/usr/bin/env bash
# Runs a part of the tests on Debian 12's own kernel (6.1, cgroup v2): as root, and as an ordinary user without a
# delegated cgroup.   tests/vm/run.sh BUILD_DIR REPORT_DIR
# Leaves root.xml and user.xml (ctest's JUnit) in REPORT_DIR. Exit 77 when there is no QEMU.
#
# The guest is emulated and ten times slower, so only tests that meet the kernel run there. VM_TESTS and VM_USER_TESTS
# (regular expressions for ctest -R) choose others.
set -euo pipefail
build=$(realpath "$1")
reports=$(realpath -m "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$reports"
rm -f "$reports"/{root,user}.xml

: "${VM_TESTS:=^(unit/sys|unit/engine|unit/supervisor|conformance|escape|cli|limits)/}"
: "${VM_USER_TESTS:=^(conformance|cli|limits)/}"

status=0
"$root/tools/vm-run" --timeout "${VM_TIMEOUT:-900}" --memory 3072 -- \
  bash "$root/tests/vm/guest.sh" "$build" "$VM_TESTS" "$VM_USER_TESTS" >"$reports/vm.log" || status=$?
if [ "$status" = 77 ]; then exit 77; fi

for who in root user; do
  sed -n "/^@@report $who\$/,/^@@end\$/p" "$reports/vm.log" | sed '1d;$d' >"$reports/$who.xml"
  [ -s "$reports/$who.xml" ] || { echo "vm: no report of the tests as $who (vm-run's status $status)"; status=1; }
done
sed '/^@@report /,/^@@end$/d' "$reports/vm.log"
exit "$status"
