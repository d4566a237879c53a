#!/usr/bin/env bash
# Installs a build into a temporary prefix and builds examples/embed against it, once by the CMake package and once by
# pkg-config, seeing only the installed tree; then runs both.
#   tools/test_embed.sh BUILD_DIR [build|run]
set -euo pipefail
build=$(realpath "$1")
mode=${2:-run}
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The launcher and the run's user must reach the prefix; mktemp makes it 0700.
chmod 755 "$work"
prefix=$work/prefix

cmake --install "$build" --prefix "$prefix" >"$work/install.log" || { cat "$work/install.log"; exit 1; }
# A copy outside the source tree: no header of ours but the installed ones can be found.
cp -r "$source/examples/embed" "$work/embed"

cmake -S "$work/embed" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" \
  >"$work/cmake.log" 2>&1 || { cat "$work/cmake.log"; exit 1; }
cmake --build "$work/build" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }

libdir=$(find "$prefix" -name 'libsandpit.so' -printf '%h\n' | head -n 1)
export PKG_CONFIG_PATH=$libdir/pkgconfig
# shellcheck disable=SC2046  # the flags are words
g++ -std=c++23 -Wall -Wextra -Werror "$work/embed/main.cc" -o "$work/embed-pc" $(pkg-config --cflags --libs sandpit) \
  -Wl,-rpath,"$(pkg-config --variable=libdir sandpit)"
soname=$(objdump -p "$work/embed-pc" | awk '$1 == "NEEDED" && /sandpit/ {print $2}')
[ "$soname" = libsandpit.so.0 ] || { echo "links $soname, not libsandpit.so.0"; exit 1; }
[ "$mode" = run ] || { echo "built, not run"; exit 0; }

for program in "$work/build/embed" "$work/embed-pc"; do
  status=0
  (cd "$work" && env -u SANDPIT_RUNTIMES_DIR -u SANDPIT_LAUNCHER "$program") >"$work/out" 2>"$work/err" || status=$?
  for wanted in "hello from the jail, embedder 2" "status: exited, exit code 0"; do
    grep -qF "$wanted" "$work/out" || { echo "$program (status $status) did not print: $wanted"; cat "$work/out" "$work/err"; exit 1; }
  done
  grep -qF done "$work/err" || { echo "stderr was not streamed"; exit 1; }
  [ "$status" = 0 ] || { echo "exit status $status"; cat "$work/out" "$work/err"; exit 1; }
done
