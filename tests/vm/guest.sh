#!/usr/bin/env bash
# Inside the guest: guest.sh STAGE BUILD_DIR TESTS USER_TESTS   (regular expressions for ctest -R). Nothing that is written here
# reaches the host. Each report goes to standard output between "@@report NAME" and "@@end". See run.sh. Stages:
#   main         TESTS as root and, at the same time, USER_TESTS as an ordinary user to whom a cgroup was delegated as systemd
#                does it for a session (root's tests named *-user/ are those of an ordinary user without a cgroup); then those
#                that change settings of the whole machine
#   no-landlock  a kernel that was booted without Landlock: TESTS as root
#   systemd      a machine with systemd: TESTS as root
stage=$1 build=$2 tests=$3 user_tests=$4
cd "$build" || exit 1

# Patience by how slow this guest is at this time: 8 on an idle machine of two cores, where the loop takes 1.2 s.
slowness() {
  local began ended loop=(/usr/bin/python3 -c 'for i in range(3_000_000): pass')
  "${loop[@]}" # the first has to be read from the host
  began=$(date +%s%N)
  "${loop[@]}"
  ended=$(date +%s%N)
  awk -v took=$(((ended - began) / 1000000)) 'BEGIN { times = took / 1200; printf "%.1f", 8 * (times > 1 ? times : 1) }'
}
SANDPIT_TEST_SLOWNESS=${VM_SLOWNESS:-$(slowness)}
export SANDPIT_TEST_SLOWNESS
# Once for all: GoogleTest's tests are listed when ctest first meets them.
ctest --test-dir . -N >/dev/null
echo "guest $stage: $(uname -r), $(. /etc/os-release && echo "$PRETTY_NAME"), ready after $(cut -d ' ' -f 1 /proc/uptime) s," \
  "slowness $SANDPIT_TEST_SLOWNESS"

# The clone may lie below a directory that only its owner can enter.
for ((folder_depth = 0; folder_depth < 20; ++folder_depth)); do
  chmod o+x "$PWD" 2>/dev/null
  [ "$PWD" != / ] || break
  cd ..
done
cd "$build" || exit 1

# The user owns `session`, whose controllers are on, and starts in a group below it.
session=/sys/fs/cgroup/session
hand_over_session() {
  local group
  mkdir -p "$session"
  for group in /sys/fs/cgroup "$session"; do echo '+memory +pids' >"$group/cgroup.subtree_control"; done
  mkdir -p "$session/shell"
  for group in "$session" "$session/shell"; do
    chown nobody "$group" "$group"/cgroup.{procs,threads,subtree_control}
  done
}

# as WHO PATTERN: tests; ctest keeps its logs in a directory of its own.
as() {
  local room=/tmp/tests-$1 become=()
  mkdir -p "$room"
  echo "subdirs(\"$build/tests\")" >"$room/CTestTestfile.cmake"
  if [ "$1" = user ]; then
    chown -R nobody "$room"
    echo "$BASHPID" >"$session/shell/cgroup.procs"
    become=(env HOME="$room" setpriv --reuid=nobody --regid=nogroup --clear-groups)
  fi
  "${become[@]}" ctest --test-dir "$room" --no-tests=error --timeout 1500 --output-on-failure -R "$2" \
    --output-junit "$room/report.xml" 2>&1 | sed -u "s/^/$1: /"
  return "${PIPESTATUS[0]}"
}

status=0
case $stage in
  main)
    reports=(root user alone)
    hand_over_session
    as user "$user_tests" &
    as root "$tests" || status=1
    wait $! || status=1
    SANDPIT_TEST_ALONE=1 as alone '^degraded/Settings$' || status=1
    ;;
  no-landlock)
    reports=(no-landlock)
    SANDPIT_TEST_LACKS=landlock as no-landlock "$tests" || status=1
    ;;
  systemd)
    reports=(systemd)
    as systemd "$tests" || status=1
    ;;
esac

for name in "${reports[@]}"; do
  echo "@@report $name"
  cat "/tmp/tests-$name/report.xml"
  echo
  echo "@@end"
done
exit "$status"
