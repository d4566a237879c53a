#!/usr/bin/env bash
# Builds the fuzz targets and runs each: fuzz/run.sh [SECONDS [TARGET…]]   (60; all: batch bpf config egress manifest report warm wasm wire)
# Exit 1 when one crashed, hung or took too much memory; the input is then in fuzz/artifacts/. What was learnt stays in
# build/fuzz/corpus/, so that the next run goes on from there; seeds/ is only read.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-60}
shift || true
targets=("$@")

for tool in clang++-19 cmake ninja; do
  type -P "$tool" >/dev/null || { echo "fuzz: $tool is missing: tools/setup.sh ci" >&2; exit 1; }
done
build=build/fuzz
began=$SECONDS
cmake --preset fuzz -Wno-dev >/dev/null || exit 1
cmake --build $build -j "$(nproc)" --target fuzz -- --quiet || exit 1
echo "built in $((SECONDS - began)) s"
if [ ${#targets[@]} = 0 ]; then
  for binary in "$build"/fuzz/fuzz_*; do targets+=("${binary##*/fuzz_}"); done
fi

export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=16
export UBSAN_OPTIONS=print_stacktrace=1
symbolizer=$(type -P llvm-symbolizer-19 || type -P llvm-symbolizer || type -P addr2line) && export ASAN_SYMBOLIZER_PATH=$symbolizer
mkdir -p fuzz/artifacts $build/corpus $build/logs

# fuzz TARGET: 10 s and 1 GiB are the most that one input may take.
fuzz() {
  local name=$1 options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1
    -artifact_prefix="fuzz/artifacts/$1-") status=0
  [ ! -f "fuzz/$name.dict" ] || options+=(-dict="fuzz/$name.dict")
  # Of several changes to a module at once, one makes it invalid.
  [ "$name" != wasm ] || options+=(-mutate_depth=1)
  mkdir -p "$build/corpus/$name"
  "$build/fuzz/fuzz_$name" "${options[@]}" "$build/corpus/$name" "fuzz/seeds/$name" >"$build/logs/$name.log" 2>&1 || status=$?
  awk -v name="$name" -v status=$status '
    /^stat::number_of_executed_units/ { runs = $2 }
    /^stat::average_exec_per_sec/ { rate = $2 }
    /^stat::peak_rss_mb/ { memory = $2 }
    / cov: / { for (i = 1; i < NF; ++i) if ($i == "cov:") covered = $(i + 1) }
    END { printf "%-9s %s  %9d runs, %6d a second, %5d edges, %4d MB\n", name, status ? "FAILED" : "ok    ", runs, rate,
          covered, memory }' "$build/logs/$name.log"
  [ "$status" = 0 ] || grep -aE -A 25 'property broken|^==[0-9]+==ERROR|runtime error|SUMMARY|Test unit written' "$build/logs/$name.log" |
    head -n 80
  return "$status"
}

failed=0
running=0
for name in "${targets[@]}"; do
  fuzz "$name" &
  running=$((running + 1))
  if [ $running -ge "$(nproc)" ]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
done
while [ $running -gt 0 ]; do
  wait -n || failed=1
  running=$((running - 1))
done
exit $failed
