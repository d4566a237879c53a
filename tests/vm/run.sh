#!/usr/bin/env bash
# Runs tests on Debian 12's own kernel (6.1, cgroup v2): as root, and as an ordinary user with a delegated cgroup.
#
#   tests/vm/run.sh [--full] BUILD_DIR REPORT_DIR
#
# Three machines, one after the other (tests/vm/guest.sh): one for most of the tests, one whose kernel has no Landlock, and
# one with systemd, whose user manager is asked for a cgroup. Leaves a report of each (ctest's JUnit) in REPORT_DIR, and a
# line "SKIPPED: …" in skipped for each machine that can't be had. Exit 77, the reason as the last line, when there is none.
# The guest is emulated and about eight times slower, so only tests that meet the kernel run there, and without --full only
# a part of those. VM_TESTS and VM_USER_TESTS (regular expressions for ctest -R) choose others, in the first machine only;
# VM_STAGES chooses machines (main no-landlock systemd). Patience is by the guest's own measure of its speed, or by
# VM_SLOWNESS; VM_TIMEOUT (seconds) is that of a machine as a whole.
set -euo pipefail
full=
if [ "${1:-}" = --full ]; then full=1; shift; fi
build=$(realpath "$1")
reports=$(realpath -m "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$reports"
rm -f "$reports"/*.xml "$reports"/skipped

if [ -n "${VM_TESTS:-}" ]; then
  : "${VM_STAGES:=main}" "${VM_USER_TESTS:=^\$}"
elif [ -n "$full" ]; then
  VM_TESTS='^(unit/sys|unit/service|unit/supervisor|conformance(-user)?|denials(-user)?|degraded(-user)?|egress|escape(-user)?|cli|warm)/'
  VM_USER_TESTS='^(conformance|denials|degraded|egress|escape|cli|warm)/'
  : "${VM_TIMEOUT:=7200}"
else
  # Cgroups and their limits, each step of a launch, every wall; the runtimes as the user; of the attacks those that are
  # over soon.
  VM_TESTS='^(unit/sys/(CgroupReal|Landlock|SeccompKernel|SeccompNotify)\.|unit/service/EachStep/LaunchFailure\.Ends|'\
'unit/service/Ways/LaunchFailures\.OfEach.*/Plain|conformance/(Memory|Leftovers|Delegation)$|conformance-user/Degraded$|'\
'denials/Families$|degraded/No(UserNamespaces|Cgroups)$|egress/(Denied|Options)$|'\
'escape/(HostFiles|HostProcesses|HostEnvironment|HostNetwork|Privileges|Kernel|Execution|Grants|Neighbours|Cves|Facts|HostSteps|'\
'KernelCalls|KernelFiles|Shares)$)'
  VM_USER_TESTS='^(conformance/(Python|Shell|Native|Memory|Leftovers)$|denials/Families$|degraded/NoUserNamespaces$|'\
'egress/(Denied|Ends)$|escape/(HostFiles|HostProcesses|HostEnvironment|HostNetwork|Privileges|Kernel|Execution|CopyOut|Grants|'\
'Neighbours|Channels|Cves|Facts|FileTricks|HostSteps|KernelCalls|Output|Shares)$)'
fi
: "${VM_STAGES:=main no-landlock systemd}" "${VM_TIMEOUT:=2400}"

# machine STAGE TESTS USER_TESTS OPTION…
machine() {
  local stage=$1 tests=$2 user_tests=$3 status=0 log=$reports/$1.log
  shift 3
  "$root/tools/vm-run" --timeout "$VM_TIMEOUT" --memory 3072 "$@" -- env VM_SLOWNESS="${VM_SLOWNESS:-}" \
    bash "$root/tests/vm/guest.sh" "$stage" "$build" "$tests" "$user_tests" >"$log" 2>"$log.errors" || status=$?
  cat "$log.errors" >&2
  if [ "$status" = 77 ]; then
    sed -n 's/^vm-run: \(SKIPPED: .*\)/\1/p' "$log.errors" >>"$reports/skipped"
    return
  fi
  awk -v folder="$reports" '
    /^@@report / { file = folder "/" $2 ".xml"; next }
    /^@@end$/ { file = ""; next }
    file != "" { print >file; next }
    { print }' "$log"
  [ "$status" = 0 ] || failed=1
  local name names=("$stage")
  [ "$stage" != main ] || names=(root user alone)
  for name in "${names[@]}"; do
    summary+=("vm-$name=$reports/$name.xml")
    [ -s "$reports/$name.xml" ] || { echo "vm: no report of $name (vm-run's status $status)"; failed=1; }
  done
}

failed=0
summary=()
for stage in $VM_STAGES; do
  case $stage in
    main) machine main "$VM_TESTS" "$VM_USER_TESTS" ;;
    no-landlock) machine no-landlock '^degraded(-user)?/NoLandlock$' '' --append lsm=lockdown,yama,apparmor ;;
    systemd) machine systemd '^conformance/UserManager$' '' --systemd ;;
    *) echo "run.sh: no machine named $stage" >&2; exit 2 ;;
  esac
done

if [ ${#summary[@]} = 0 ]; then
  tail -n 1 "$reports/skipped"
  exit 77
fi
"$root/tests/vm/times.py" "$reports"/*.xml
[ ! -e "$reports/skipped" ] || cat "$reports/skipped"
"$root/tools/test_summary.py" "${summary[@]}" || failed=1
exit "$failed"
