#!/usr/bin/env bash
# Inside the guest: the tests as root, then as an ordinary user; both reports go to stdout. See run.sh.
# Nothing that is written here reaches the host.
build=$1 tests=$2 user_tests=$3
cd "$build" || exit 1
echo "guest: $(uname -r), $(. /etc/os-release && echo "$PRETTY_NAME")"
status=0
run_ctest='ctest --test-dir . --no-tests=ignore --timeout 600 --output-on-failure'

$run_ctest -R "$tests" --output-junit /tmp/root.xml || status=1

# The clone may lie below a directory that only its owner can enter.
for ((folder_depth = 0; folder_depth < 20; ++folder_depth)); do
  chmod o+x "$PWD" 2>/dev/null
  [ "$PWD" != / ] || break
  cd ..
done
cd "$build" || exit 1
# ctest keeps its logs in the build directory.
mkdir -p Testing/Temporary
chown -R nobody Testing
su -s /bin/bash nobody -c "HOME=/tmp/home; mkdir -p /tmp/home; export HOME
  $run_ctest -R '$user_tests' --output-junit /tmp/home/user.xml" || status=1

for report in root=/tmp/root.xml user=/tmp/home/user.xml; do
  echo "@@report ${report%%=*}"
  cat "${report#*=}"
  echo
  echo "@@end"
done
exit "$status"
