#!/usr/bin/env bash
# Installs the peers that Debian's archive has, as root; otherwise, or when one can't be had, says so and goes on: the benchmark then
# marks it as absent.
set -uo pipefail

# program -> package
declare -A peers=([bwrap]=bubblewrap [firejail]=firejail [crun]=crun [runc]=runc [runsc]=runsc)

missing=()
for program in "${!peers[@]}"; do
  PATH="$PATH:/usr/sbin:/sbin" type -P "$program" >/dev/null || missing+=("${peers[$program]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! type -P apt-get >/dev/null; then
  echo "bench: no apt-get here; peers left out: ${missing[*]}" >&2
  exit 0
fi

candidates=()
for package in "${missing[@]}"; do
  if apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]'; then
    candidates+=("$package")
  else
    echo "bench: peer $package is not in this system's package lists; left out" >&2
  fi
done
[ ${#candidates[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "bench: for more peers: sudo apt-get install -y --no-install-recommends ${candidates[*]}" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
for package in "${candidates[@]}"; do
  echo "bench: installing the peer $package" >&2
  # One at a time: one that can't be had must not keep the others away.
  apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$package" </dev/null >/dev/null 2>&1 ||
    echo "bench: peer $package could not be installed; left out" >&2
done
exit 0
