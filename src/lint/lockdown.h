// What the lint worker does to itself before it looks at a byte of a source. For worker_main.cc,
// and for the test that tries to get out (tests/unit/lint/lockdown_test.cc).
//
// There are no namespaces around the worker, and none are needed: they restrict what a process
// finds when it opens, connects, signals or mounts, and under this filter no call does any of these
// (profiles/lint-worker.toml). What is left to it is to compute, to use the memory it may have,
// and to write lies into the one pipe that it holds.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace sandpit::lint {

struct Lockdown {
  std::span<const int> keep;      // the descriptors that stay open, ascending
  std::uint64_t memory = 0;       // RLIMIT_AS, bytes
  std::uint64_t cpu_seconds = 2;  // RLIMIT_CPU; then SIGXCPU ends the process
};

// For good. On an error some of it may be in force; the caller must end without reading on.
[[nodiscard]] Result<void> lock_in(const Lockdown& wanted);

}  // namespace sandpit::lint
