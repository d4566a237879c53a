#!/usr/bin/env bash
# Inside the guest, at the same time: the tests as root, and as an ordinary user to whom a cgroup was delegated as systemd
# does it for a session. (root's tests named *-user/ are those of an ordinary user without a cgroup.) See run.sh.
# Nothing that is written here reaches the host.
build=$1 tests=$2 user_tests=$3
cd "$build" || exit 1
export SANDPIT_TEST_SLOWNESS=${VM_SLOWNESS:-8}
# Once for both: GoogleTest's tests are listed when ctest first meets them.
ctest --test-dir . -N >/dev/null
echo "guest: $(uname -r), $(. /etc/os-release && echo "$PRETTY_NAME"), ready after $(cut -d ' ' -f 1 /proc/uptime) s"

# The clone may lie below a directory that only its owner can enter.
for ((folder_depth = 0; folder_depth < 20; ++folder_depth)); do
  chmod o+x "$PWD" 2>/dev/null
  [ "$PWD" != / ] || break
  cd ..
done
cd "$build" || exit 1

# The user owns `session`, whose controllers are on, and starts in a group below it.
session=/sys/fs/cgroup/session
mkdir -p "$session"
for group in /sys/fs/cgroup "$session"; do echo '+memory +pids' >"$group/cgroup.subtree_control"; done
mkdir -p "$session/shell"
for group in "$session" "$session/shell"; do
  chown nobody "$group" "$group"/cgroup.{procs,threads,subtree_control}
done

# as WHO: its tests; ctest keeps its logs in a directory of its own.
as() {
  local room=/tmp/tests-$1 pattern=$tests become=()
  mkdir -p "$room"
  echo "subdirs(\"$build/tests\")" >"$room/CTestTestfile.cmake"
  if [ "$1" = user ]; then
    pattern=$user_tests
    chown -R nobody "$room"
    echo "$BASHPID" >"$session/shell/cgroup.procs"
    become=(env HOME="$room" setpriv --reuid=nobody --regid=nogroup --clear-groups)
  fi
  "${become[@]}" ctest --test-dir "$room" --no-tests=error --timeout 900 --output-on-failure -R "$pattern" \
    --output-junit "$room/report.xml" 2>&1 | sed -u "s/^/$1: /"
  return "${PIPESTATUS[0]}"
}
status=0
as user &
as root || status=1
wait $! || status=1

for who in root user; do
  echo "@@report $who"
  cat "/tmp/tests-$who/report.xml"
  echo
  echo "@@end"
done
exit "$status"
