#include "sys/landlock.h"

#include <unistd.h>

#include <cstddef>

namespace sandpit::sys::landlock {

int abi() {
  const long version =
      ::syscall(kCreateRulesetCall, nullptr, std::size_t{0}, kCreateRulesetVersion);
  return version < 0 ? 0 : static_cast<int>(version);
}

}  // namespace sandpit::sys::landlock
