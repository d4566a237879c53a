#!/usr/bin/env bash
# Installs what is missing on Debian 12: tools/setup.sh run | test | ci   (each set includes the ones before it)
# As root it installs; otherwise it prints the one line to run and exits 1. Quick when there is nothing to do.
set -euo pipefail

run_set=(make cmake ninja-build g++ ccache pkg-config python3
  libseccomp-dev libtomlplusplus-dev libcli11-dev libspdlog-dev libfmt-dev libboost-json1.81-dev libxxhash-dev)
test_set=(libgtest-dev libgmock-dev libbenchmark-dev binutils procps)
ci_set=(git strace clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev
  wasi-libc lld-19 libclang-rt-19-dev-wasm32
  qemu-system-x86 busybox-static cpio)

level=${1:-run}
case $level in
  run) packages=("${run_set[@]}") ;;
  test) packages=("${run_set[@]}" "${test_set[@]}") ;;
  ci) packages=("${run_set[@]}" "${test_set[@]}" "${ci_set[@]}") ;;
  *) echo "usage: tools/setup.sh run|test|ci" >&2; exit 2 ;;
esac
# A Node of another origin (NodeSource, /usr/local) is left alone: Debian's package would replace or shadow it.
type -P node >/dev/null || packages+=(nodejs)

if ! type -P dpkg-query >/dev/null || ! type -P apt-get >/dev/null; then
  echo "setup: not a Debian system; install the counterparts of: ${packages[*]}" >&2
  exit 0
fi

declare -A installed=()
while read -r state name; do
  [ "$state" = ii ] && installed[$name]=1
done < <(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  [ -n "${installed[$package]:-}" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "setup: ${#missing[@]} packages are missing; run this line and try again:" >&2
  echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

known() { apt-cache show "${missing[@]}" >/dev/null 2>&1; }
install() { "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >>"$log" 2>&1; }

echo "setup: installing ${missing[*]}" >&2
for attempt in 1 2 3; do
  # Old or absent package lists are the usual reason for a failure, so a retry begins with fresh ones.
  if [ "$attempt" -gt 1 ] || ! known; then
    "${apt[@]}" update </dev/null >>"$log" 2>&1 || true
  fi
  if install; then exit 0; fi
  sleep $((attempt * 2))
done
tail -n 30 "$log" >&2
echo "setup: apt-get could not install: ${missing[*]}" >&2
exit 1
