#!/usr/bin/env bash
# Installs what is missing on Debian 12: tools/setup.sh run | test | ci | languages   (each includes `run`; ci includes test,
# languages includes test)
# As root it installs; otherwise it prints the one line to run and exits 1. Quick when there is nothing to do.
set -euo pipefail

run_set=(make cmake ninja-build g++ ccache pkg-config python3
  libseccomp-dev libtomlplusplus-dev libcli11-dev libspdlog-dev libfmt-dev libboost-json1.81-dev libxxhash-dev)
test_set=(libgtest-dev libgmock-dev libbenchmark-dev binutils procps
  gcc libc6-dev openjdk-17-jdk-headless ruby php-cli perl lua5.4)
ci_set=(git strace clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev
  wasi-libc lld-19 libclang-rt-19-dev-wasm32
  qemu-system-x86 busybox-static cpio systemd dbus-user-session)

# The languages of the second tier, one line each family.
languages_set=(zsh fish gawk tcl expect m4 bc jq sqlite3
  pypy3 r-base-core octave rakudo gforth swi-prolog-nox newlisp pike8.0 yabasic algol68g beef luajit
  guile-3.0 racket chezscheme sbcl groovy clojure scala
  erlang-base elixir ghc ocaml-nox mono-mcs mono-runtime
  gnucobol regina-rexx picolisp polyml
  gfortran gnat gobjc fp-compiler fp-units-base fp-units-rtl ldc nim crystal nasm tcc valac
  coffeescript gnuplot-nox graphviz)

level=${1:-run}
case $level in
  run) packages=("${run_set[@]}") ;;
  test) packages=("${run_set[@]}" "${test_set[@]}") ;;
  ci) packages=("${run_set[@]}" "${test_set[@]}" "${ci_set[@]}") ;;
  languages) packages=("${run_set[@]}" "${test_set[@]}" "${languages_set[@]}") ;;
  *) echo "usage: tools/setup.sh run|test|ci|languages" >&2; exit 2 ;;
esac
# A Node of another origin (NodeSource, /usr/local) is left alone: Debian's package would replace or shadow it.
type -P node >/dev/null || packages+=(nodejs)
# The same of Go and npm; the runtimes look for Go there as well.
if [ "$level" != run ]; then
  type -P go >/dev/null || [ -x /usr/local/go/bin/go ] || packages+=(golang-go)
  type -P npm >/dev/null || packages+=(npm)
fi

# What comes from npm and PyPI goes below /usr, where every jail sees it.
tools=${SANDPIT_TOOLS:-/usr/local/lib/sandpit/tools}
npm_set=()
pip_set=()
case $level in
  test | ci) npm_set=(typescript@7.0.2 @types/node@20.19.25) ;;
  languages)
    npm_set=(typescript@7.0.2 @types/node@20.19.25 kotlin-compiler@2.4.20 deno@2.9.6 bun@1.4.5)
    pip_set=(ziglang==0.17.1)
    packages+=(python3-pip)
    ;;
esac

if ! type -P dpkg-query >/dev/null || ! type -P apt-get >/dev/null; then
  echo "setup: not a Debian system; install the counterparts of: ${packages[*]}" >&2
  exit 0
fi

declare -A installed=()
while read -r state name; do
  # The second letter counts: a package on hold (hi) is there, and so is one whose triggers are still to be run (it, iW).
  [[ $state == ?[itW]* ]] && installed[$name]=1
done < <(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  [ -n "${installed[$package]:-}" ] || missing+=("$package")
done
npm_has() {
  local name=${1%@*}
  grep -q -F "\"version\": \"${1##*@}\"" "$tools/node_modules/$name/package.json" 2>/dev/null
}
pip_has() { [ -d "$tools/${1%%==*}-${1##*==}.dist-info" ]; }
install_tools() {
  local wanted=() name
  for name in "${npm_set[@]}"; do npm_has "$name" || wanted+=("$name"); done
  if [ ${#wanted[@]} -gt 0 ]; then
    if [ "$(id -u)" != 0 ]; then
      echo "setup: for TypeScript and its like run: sudo npm install --prefix $tools --ignore-scripts ${wanted[*]}" >&2
    else
      echo "setup: npm install ${wanted[*]}" >&2
      mkdir -p "$tools"
      npm install --prefix "$tools" --ignore-scripts --no-audit --no-fund --save-exact "${npm_set[@]}" >/dev/null ||
        echo "setup: npm could not install them; the languages that need them are left out" >&2
    fi
  fi
  for name in "${pip_set[@]}"; do
    pip_has "$name" && continue
    if [ "$(id -u)" != 0 ]; then
      echo "setup: for $name run: sudo python3 -m pip install --target $tools $name" >&2
    else
      echo "setup: pip install $name" >&2
      /usr/bin/python3 -m pip install -q --root-user-action=ignore --target "$tools" "$name" ||
        echo "setup: pip could not install $name; its language is left out" >&2
    fi
  done
}
[ ${#missing[@]} -gt 0 ] || { install_tools; exit 0; }

if [ "$(id -u)" != 0 ]; then
  echo "setup: packages are missing; run this line and try again:" >&2
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
  if install; then install_tools; exit 0; fi
  sleep $((attempt * 2))
done
tail -n 30 "$log" >&2
echo "setup: apt-get could not install: ${missing[*]}" >&2
exit 1
