// What the user reads of how a limit is enforced.
#include <string>

#include "plan/plan.h"

namespace sandpit {

const char* to_string(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::kCgroupV1:
      return "cgroup-v1";
    case Mechanism::kCgroupV2:
      return "cgroup-v2";
    case Mechanism::kRlimit:
      return "rlimit";
    case Mechanism::kSampled:
      return "sampled";
    case Mechanism::kTimer:
      return "timer";
    case Mechanism::kTmpfs:
      return "tmpfs";
    case Mechanism::kPipe:
      return "pipe";
  }
  return "unknown";
}

std::string mechanisms_text(const Enforcement& enforcement) {
  std::string text;
  for (const Mechanism mechanism : enforcement.mechanisms) {
    if (!text.empty()) text += '+';
    text += to_string(mechanism);
  }
  if (!enforcement.degraded.empty()) text += " (degraded)";
  return text;
}

}  // namespace sandpit
