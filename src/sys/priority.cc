#include "sys/priority.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <string_view>

#include "base/unique_fd.h"
#include "base/write_all.h"

namespace sandpit::sys {

int nice_value() { return ::getpriority(PRIO_PROCESS, 0); }

void go_first() {
  constexpr int kFirst = -10;
  // Never away from what the caller has: children could not go back to it.
  if (nice_value() > kFirst && ::setpriority(PRIO_PROCESS, 0, kFirst) < 0) return;
  const UniqueFd group(::open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC));
  if (group.valid()) (void)write_all(group.get(), std::string_view("-10"));
}

}  // namespace sandpit::sys
