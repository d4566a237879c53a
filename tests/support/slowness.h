// By how much this machine is slower than a usual one: SANDPIT_TEST_SLOWNESS, as in
// sandpit_tests.py. An emulated one says 8.
#pragma once

#include <algorithm>
#include <cstdlib>

namespace sandpit::test {

inline int slowness() {
  const char* value = std::getenv("SANDPIT_TEST_SLOWNESS");  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? 1 : std::max(1, static_cast<int>(std::strtod(value, nullptr)));
}

}  // namespace sandpit::test
